from django.urls import path

from readerstudy.results import views, views_imported

urlpatterns = [
    path("", views.results, name="results"),
    path("numbers/<slug:table>.csv", views.numbers, name="results_numbers"),
    path("tables/<slug:table>.csv", views.table, name="results_table"),
    path("codebooks/", views.codebooks, name="results_codebooks"),
    path("codebooks/<slug:table>.csv", views.codebook, name="results_codebook"),
    path("protocol.json", views.protocol, name="results_protocol"),
    path("report.<slug:form>", views.report, name="results_report"),
    path("all.xlsx", views.workbook, name="results_workbook"),
    path("all.zip", views.results_zip, name="results_zip"),
    path("imported/", views_imported.tables, name="imported_tables"),
    path("imported/new/", views_imported.import_sheet, name="import_sheet"),
    path("imported/<int:number>/", views_imported.table, name="imported_table"),
    path("imported/<int:number>/numbers/<slug:name>.csv", views_imported.numbers, name="imported_numbers"),
    path("imported/<int:number>/files/<str:file>", views_imported.file, name="imported_file"),
    path("imported/<int:number>/all.zip", views_imported.everything, name="imported_zip"),
    path("imported/<int:number>/remove/", views_imported.remove, name="imported_remove"),
    path("imported/<int:number>/<slug:section>/", views_imported.section, name="imported_section"),
    path("<slug:section>/", views.section, name="results_section"),
]
