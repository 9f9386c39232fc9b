"""The pages."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from trustai_web.dashboard.views import (
    batches,
    campaigns,
    connections,
    doctor,
    home,
    hooks,
    jobs,
    people,
    rounds,
    scores,
    sessions,
)

urlpatterns = [
    path("", home.home, name="home"),
    path("setup/", sessions.first_lead, name="first_lead"),
    path("login/", sessions.Login.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("connections/", connections.connection_list, name="connection_list"),
    path("connections/new/", connections.connection_add, name="connection_add"),
    path("connections/<int:pk>/", connections.connection_detail, name="connection_detail"),
    path("connections/<int:pk>/edit/", connections.connection_edit, name="connection_edit"),
    path("connections/<int:pk>/test/", connections.connection_test, name="connection_test"),
    path("connections/<int:pk>/projects/<int:project_id>/", campaigns.campaign_add, name="campaign_add"),
    path("campaigns/", campaigns.campaign_list, name="campaign_list"),
    path("campaigns/<int:pk>/", campaigns.campaign_detail, name="campaign_detail"),
    path("campaigns/<int:pk>/settings/", campaigns.campaign_edit, name="campaign_edit"),
    path("campaigns/<int:pk>/doctor/", doctor.campaign_doctor, name="campaign_doctor"),
    path("campaigns/<int:pk>/rounds/", rounds.round_start, name="round_start"),
    path("rounds/<int:pk>/", rounds.round_detail, name="round_detail"),
    path("rounds/<int:pk>/next/", rounds.round_next_task, name="round_next_task"),
    path("rounds/<int:pk>/resume/", rounds.round_resume, name="round_resume"),
    path("rounds/<int:pk>/finish/", rounds.round_finish, name="round_finish"),
    path("rounds/<int:pk>/cancel/", rounds.round_cancel, name="round_cancel"),
    path("rounds/<int:pk>/scores/", scores.round_scores, name="round_scores"),
    path("rounds/<int:pk>/scores/file/", scores.round_scores_file, name="round_scores_file"),
    path("rounds/<int:pk>/<slug:kind>/", rounds.round_work, name="round_work"),
    path("batches/", batches.batch_list, name="batch_list"),
    path("people/", people.person_list, name="person_list"),
    path("jobs/", jobs.job_list, name="job_list"),
    path("jobs/<int:pk>/cancel/", jobs.job_cancel, name="job_cancel"),
    path("jobs/<int:pk>/hurry/", jobs.job_hurry, name="job_hurry"),
    path("hooks/training/<slug:token>/", hooks.training_hook, name="training_hook"),
]
