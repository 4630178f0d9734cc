from django import template

from readerstudy.jobs.models import Job

register = template.Library()


@register.simple_tag
def running_jobs(study) -> int:
    """How many jobs of a study run now."""
    return Job.objects.filter(study=study, state=Job.State.RUNNING).count()
