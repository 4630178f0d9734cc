from django import template

from readerstudy.audit import selectors

register = template.Library()
register.filter("sentence", selectors.sentence)
