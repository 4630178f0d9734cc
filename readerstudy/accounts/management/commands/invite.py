"""Make a link by which somebody sets a password of their own, for a site that has no admin yet or a lost one."""

from django.core.management.base import BaseCommand, CommandParser
from django.urls import reverse

from readerstudy.accounts import invitations
from readerstudy.accounts.models import SiteRole, User


class Command(BaseCommand):
    help = "Print the path of a link, good once, by which NAME sets a password; makes the account where there is none."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--site-roles", action="store_true", help="let this person do everything of the site")

    def handle(self, *args, name: str, site_roles: bool, **options) -> None:
        user, _ = User.objects.get_or_create(username=name)
        if site_roles:
            User.objects.filter(pk=user.pk).update(**dict.fromkeys(SiteRole.values, True))
        self.stdout.write(reverse("invitation", args=[invitations.invite(user=user)]))
