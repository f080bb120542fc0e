"""An organisation with places, and a way to import a few rows."""

import pytest

from stallkeeper.catalog.models import ImportProblem
from stallkeeper.core import people
from stallkeeper.core.tenancy import organisation_scope
from stallkeeper.core.use_case import use_case
from stallkeeper.stock import imports, places
from tests.tables import csv_file, xlsx


@pytest.fixture
def organisation(db):
    made = people.create_organisation("Corner Shop", "corner", time_zone="Europe/Bucharest")
    with use_case("make.places", organisation_id=made.pk) as uc:
        places.first_locations(uc)
    return made


@pytest.fixture
def scope(organisation):
    with organisation_scope(organisation.pk):
        yield


class Imports:
    """Imports rows as CSV (or XLSX) and looks at what was refused."""

    def __init__(self, organisation, folder):
        self.organisation, self.folder = organisation, folder

    def __call__(self, kind, rows, *, workbook=False, **named):
        path = self.folder / ("rows.xlsx" if workbook else "rows.csv")
        return self.file(kind, xlsx(path, rows) if workbook else csv_file(path, rows), **named)

    def file(self, kind, path, **named):
        return imports.run_import(kind, path, self.organisation.pk, "user:1", **named)

    def problems(self, run):
        with organisation_scope(self.organisation.pk):
            return list(ImportProblem.objects.filter(run=run).order_by("row", "id").values_list("row", "column", "message"))


@pytest.fixture
def bring(organisation, scope, tmp_path):
    return Imports(organisation, tmp_path)
