from django import template

from readerstudy.home import log as selectors

register = template.Library()
register.filter("sentence", selectors.sentence)
