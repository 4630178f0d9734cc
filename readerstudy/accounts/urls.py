from allauth.mfa.recovery_codes.views import generate_recovery_codes, view_recovery_codes
from allauth.mfa.totp.views import activate_totp, deactivate_totp
from django.contrib.auth.views import LogoutView
from django.urls import path

from readerstudy.accounts import views, views_account, views_invitation, views_oidc, views_people

urlpatterns = [
    path("logout/", LogoutView.as_view(), name="logout"),
    path("password/", views_account.ChangePassword.as_view(), name="password_change"),
    path("preferences/keys/", views.Keys.as_view(), name="keys"),
    path("account/", views_account.account, name="account"),
    path("account/", views_account.account, name="mfa_index"),  # as django-allauth calls it
    path("account/sessions/end/", views_account.end_session, name="end_session"),
    path("account/prove/", views_account.prove, name="prove"),
    path("account/lock/", views_account.lock, name="lock"),
    path("account/here/", views_account.here, name="here"),
    path("account/unlock/", views_account.unlock, name="unlock"),
    path("account/code/", views.SecondFactor.as_view(), name="mfa_authenticate"),
    path("account/second-factor/", activate_totp, name="mfa_activate_totp"),
    path("account/second-factor/end/", deactivate_totp, name="mfa_deactivate_totp"),
    path("account/recovery-codes/", view_recovery_codes, name="mfa_view_recovery_codes"),
    path("account/recovery-codes/new/", generate_recovery_codes, name="mfa_generate_recovery_codes"),
    path("account/passkeys/new/", views_account.add_passkey, name="mfa_add_webauthn"),
    path("account/passkeys/<int:passkey>/end/", views_account.end_passkey, name="end_passkey"),
    path("oidc/<slug:provider_id>/login/", views_oidc.login, name="openid_connect_login"),
    path("oidc/<slug:provider_id>/callback/", views_oidc.callback, name="openid_connect_callback"),
    path("forgotten/", views_invitation.forgotten, name="forgotten"),
    path("invitation/<str:token>/", views_invitation.invitation, name="invitation"),
    path("people/", views_people.site_people, name="site_people"),
    path("people/<int:account>/", views_people.change_account, name="change_account"),
]
