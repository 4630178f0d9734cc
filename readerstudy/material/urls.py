from django.urls import path

from readerstudy.material import views, views_cohort, views_downloads, views_drawing, views_masks, views_sites

urlpatterns = [
    path("cases/<int:case>/training/", views.training, name="training"),
    path("cases/<int:case>/feedback/", views.feedback, name="feedback"),
    path("cases/<int:case>/set-aside/", views.set_aside, name="set_aside"),
    path("cases/<int:case>/draw/", views_drawing.draw, name="draw"),
    path("cases/<int:case>/draw/<int:series>/", views_drawing.save_drawing, name="save_drawing"),
    path("cases/<int:case>/draw/<int:series>/voxels.bin", views_drawing.drawn_slice, name="drawn_slice"),
    path("sites/", views_drawing.sites, name="sites"),
    path("sites/change/", views_drawing.set_sites, name="set_sites"),
    path("masks/<int:volume>/", views_masks.change_mask, name="change_mask"),
    path("masks/<int:volume>/<int:series>/picture.png", views_masks.mask_picture, name="mask_picture"),
    path("masks/<int:volume>/<int:series>/look/", views_drawing.look_at, name="look_at"),
    path("masks/<int:volume>/again/", views_drawing.version_again, name="version_again"),
    path("alignments/<int:alignment>/picture.png", views.alignment_picture, name="alignment_picture"),
    path("subjects/", views_cohort.subjects, name="subjects"),
    path("subjects/code/", views_cohort.code_subject, name="code_subject"),
    path("subjects/subjects.csv", views_cohort.subjects_csv, name="subjects_csv"),
    path("subjects/screening/", views_cohort.type_screening, name="type_screening"),
    path("subject-site/", views_sites.subject_site, name="subject_site"),
    path("series/<int:series>/scan-time/", views.scan_time, name="scan_time"),
    path("images.zip", views_downloads.images_zip, name="images_zip"),
    path("arms/<int:arm>/images.zip", views_downloads.images_zip, name="arm_images_zip"),
    path("cases/<int:case>/images.zip", views_downloads.images_zip, name="case_images_zip"),
    path("series/<int:series>/images.zip", views_downloads.images_zip, name="series_images_zip"),
    path("series/<int:series>/picture.png", views.series_picture, name="series_picture"),
]
