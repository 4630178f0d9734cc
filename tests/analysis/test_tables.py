"""CSV tables: what is read, and the one sentence for what is not."""

import csv
import json

import pandas as pd
import pytest

from analysis import tables
from analysis.errors import InputError

CONTRACT = {
    "ratings": "study,site,subject,case,region,plane,weighting,scanner,field_strength,reader,presentation,position,"
    "part,kind,repeat_of,comparison,first,second,first_side,criterion,score,status,revision,seconds,confirmed_at,rated_at",
    "integrity": "study,subject,case,reader,presentation,kind,comparison,side,arm,consistent,diagnostic",
    "findings": "study,subject,case,reader,presentation,comparison,side,arm,kind,structure,remark,i,j,k",
    "guesses": "study,subject,case,reader,presentation,comparison,guessed,first_side",
    "display_checks": "study,reader,checked_at,passed,missed_borders,dark_found,bright_found,discs_found,discs,seconds,"
    "window_width,window_height,screen_width,screen_height,device_pixel_ratio,colour_depth,browser",
    "interactions": "study,subject,case,reader,presentation,kind,visit,piece,whole,seconds,left_slice,right_slice,"
    "swapped,linked,window,level,inverted,zoom,centre_right,centre_down,cine,enlarged,tool,focus,answers",
    "series": "subject,site,case,arm,series,sha256,manufacturer,model,software,field_strength,tr,te,ti,flip_angle,"
    "echo_train_length,averages,matrix,pixel_spacing,slice_thickness,slices,acquisition_seconds,processing_seconds,"
    "made_from,model_name,model_sha256,simulated,age,sex,diagnosis_code,diagnosis,origin_code,origin",
    "metrics": "subject,case,reference,test,metric,region,slice,value,data_range,range_rule,registered,settings_hash",
    "features": "subject,case,roi,arm,image_type,class,feature,value,status,reason,settings_hash,mask",
    "voi": "subject,case,roi,arm,reference,measure,value,reason,data_range,registered,settings_hash,mask",
    "accesses": "study,person,role,reader,kind,what,thing,times,first_at,last_at",
}


@pytest.fixture
def small(study) -> pd.DataFrame:
    return study.head(6).copy()


def saved(frame: pd.DataFrame, folder, **options):
    path = folder / "ratings.csv"
    frame.to_csv(path, index=False, **options)
    return path


@pytest.mark.parametrize("text", ["NA", "NaN", "nan", "null", "None", "n/a"])
@pytest.mark.parametrize("column", ["subject", "reader"])
def test_words_for_missing_are_no_codes(small, tmp_path, text, column):
    small.loc[small.index[1], column] = text
    with pytest.raises(InputError, match=f"row 3, column {column}: '{text}' stands for a missing value"):
        tables.read_ratings(saved(small, tmp_path))


@pytest.mark.parametrize("text", ["3_0", "٣", "0x3", "3 ", "3e0", "+3", "3."])
def test_numbers_are_plain_ascii(small, tmp_path, text):
    small["field_strength"] = text
    if text in ("3_0", "٣", "0x3"):
        with pytest.raises(InputError, match=r"is not a number|holds Arabic digits"):
            tables.read_ratings(saved(small, tmp_path))
    else:
        assert (tables.read_ratings(saved(small, tmp_path))["field_strength"] == 3).all()


@pytest.mark.parametrize("table", tables.TABLES)
def test_columns_are_those_of_the_contract(table):
    assert ",".join(tables.column_names(table)) == CONTRACT[table]


@pytest.mark.parametrize("table", tables.TABLES)
def test_every_column_is_in_the_codebook_with_a_description(table):
    book = tables.codebook(table)
    assert [row["column"] for row in book] == tables.column_names(table)
    assert all(row["description"] and row["type"] for row in book)


def test_codebook_names_units_and_allowed_values():
    book = {row["column"]: row for row in tables.codebook("ratings")}
    assert book["seconds"]["unit"] == "s"
    assert book["score"]["allowed"] == "1 to 5"
    assert book["first_side"]["allowed"] == "left, right"
    assert book["status"]["required"] == "yes"


def test_a_file_reads_back_as_it_was_written(study, tmp_path):
    frame = tables.read_ratings(saved(study, tmp_path))
    assert len(frame) == len(study)
    assert (frame["score"] == study["score"]).all()
    assert (frame["subject"].astype(str) == study["subject"]).all()


@pytest.mark.parametrize(
    "options", [{"encoding": "utf-8-sig"}, {"sep": ";"}, {"sep": "\t"}, {"lineterminator": "\r\n"}]
)
def test_files_as_spreadsheets_save_them_are_read_alike(small, tmp_path, options):
    plain = tables.read_ratings(saved(small, tmp_path))
    pd.testing.assert_frame_equal(tables.read_ratings(saved(small, tmp_path, **options)), plain)


def test_text_that_looks_missing_stays_text(small, tmp_path):
    small["site"] = "NA"
    assert (tables.read_ratings(saved(small, tmp_path))["site"] == "NA").all()


def test_blank_lines_are_skipped_and_rows_keep_their_spreadsheet_number(small, tmp_path):
    path = saved(small, tmp_path)
    lines = path.read_text().splitlines()
    bad = lines[3].replace(",rated,", ",done,")
    path.write_text("\n".join([*lines[:3], "", bad, *lines[4:]]) + "\n")
    with pytest.raises(InputError, match=r"ratings\.csv, row 5, column status: 'done' is not one of rated"):
        tables.read_ratings(path)


def change(column, value, row=2):
    def apply(frame):
        frame[column] = frame[column].astype(object)
        frame.loc[row, column] = value
        return frame

    return apply


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (change("score", 7), "row 4, column score: '7' is outside the allowed range (1 to 5)."),
        (change("score", 2.5), "row 4, column score: '2.5' is not a whole number."),
        (change("score", "good"), "row 4, column score: 'good' is not a number."),
        (change("seconds", "3,5"), "row 4, column seconds: '3,5' is not a number (decimals need a point)."),
        (change("score", None), "row 4, column score: empty although the status is rated."),
        (change("status", "missing"), "row 4, column score: holds a score although the status is missing."),
        (change("reader", None), "row 4, column reader: must not be empty."),
        (change("first_side", "top"), "row 4, column first_side: 'top' is not one of left, right."),
        (change("rated_at", "yesterday"), "row 4, column rated_at: 'yesterday' is not an ISO 8601 time."),
        (change("second", "SOC"), "row 4, column second: comparison SOC vs FAST has the arm SOC on both sides."),
        (change("first", "XY"), "row 4, column first: comparison SOC vs FAST has other arms than in the rows above."),
        (change("study", "other"), "holds 2 studies; analyse one at a time."),
        (lambda f: f.drop(columns=["score", "reader"]), "lacks the columns reader, score: its first line must name"),
        (lambda f: f.head(0), "has no rows."),
        (
            lambda f: pd.concat([f, f.head(1)]),
            "row 8, column criterion: R1 rated snr of case C000, SOC vs FAST, more than",
        ),
    ],
)
def test_bad_ratings_are_refused_in_one_sentence(small, tmp_path, spoil, sentence):
    path = saved(spoil(small), tmp_path)
    with pytest.raises(InputError) as problem:
        tables.read_ratings(path)
    assert sentence in str(problem.value)
    assert str(problem.value).startswith("ratings.csv")
    assert "\n" not in str(problem.value)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "ratings.csv is empty; its first line must name the columns."),
        (b"1,2,3\n4,5,6\n", "lacks the columns"),
        ("subject,größe\n".encode("latin-1"), "is not UTF-8 text; save it as CSV UTF-8."),
        (b"PK\x03\x04\x00\x00\n", "is not a text file; save the table as CSV UTF-8."),
    ],
)
def test_files_that_are_no_such_table_are_refused(tmp_path, content, sentence):
    path = tmp_path / "ratings.csv"
    path.write_bytes(content)
    with pytest.raises(InputError) as problem:
        tables.read_ratings(path)
    assert sentence in str(problem.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match="There is no file"):
        tables.read_ratings(tmp_path / "none.csv")


def test_a_row_with_too_many_cells_is_refused(small, tmp_path):
    path = saved(small, tmp_path)
    path.write_text(path.read_text() + "x," * 40 + "\n")
    with pytest.raises(InputError, match="line 8"):
        tables.read_ratings(path)


def test_doubled_columns_are_refused(small, tmp_path):
    path = saved(small, tmp_path)
    with path.open() as file:
        rows = list(csv.reader(file))
    with path.open("w") as file:
        csv.writer(file).writerows([*row, row[0]] for row in rows)
    with pytest.raises(InputError, match="has the column study twice"):
        tables.read_ratings(path)


def test_unscored_rows_are_read(small, tmp_path):
    for row, status in enumerate(("cannot_judge", "not_applicable", "missing")):
        small.loc[row, ["score", "status"]] = [None, status]
    assert tables.read_ratings(saved(small, tmp_path))["score"].isna().sum() == 3


def test_booleans_are_true_or_false(tmp_path):
    path = tmp_path / "integrity.csv"
    path.write_text("reader,comparison,arm,consistent,diagnostic\nR1,a,SOC,true,\nR1,a,FAST,False,1\n")
    frame = tables.read_integrity(path)
    assert frame["consistent"].tolist() == [True, False]
    assert frame["diagnostic"].isna().tolist() == [True, False]
    path.write_text("reader,comparison,arm,consistent,diagnostic\nR1,a,SOC,yes,\n")
    with pytest.raises(InputError, match="row 2, column consistent: 'yes' is neither true nor false"):
        tables.read_integrity(path)


def test_features_need_five_columns_only(tmp_path):
    path = tmp_path / "features.csv"
    path.write_text("subject,roi,arm,feature,value\nS1,cord,SOC,glcm_Contrast,0.1234567890123456\n")
    assert tables.read_features(path)["value"].iloc[0] == 0.1234567890123456


def test_frames_from_the_site_are_checked_like_files(small):
    small["score"] = [int(v) for v in small["score"]]
    small["field_strength"] = None
    checked = tables.check_ratings(small)
    assert checked["field_strength"].isna().all()
    with pytest.raises(InputError, match="The ratings table, row 2, column kind"):
        tables.check_ratings(small.assign(kind="other"))


def test_schemas_are_table_schemas():
    for table in tables.TABLES:
        schema = json.loads((tables.SCHEMAS / f"{table}.json").read_text())
        assert schema["missingValues"] == [""]
        assert {field["type"] for field in schema["fields"]} <= {"string", "integer", "number", "boolean", "datetime"}


def test_a_text_with_and_without_the_apostrophe_of_a_guard_is_one(tmp_path):
    """Two programs wrote the same text, one of them guarded."""
    (tmp_path / "series.csv").write_text(
        "subject,site,case,arm,series,software\nS1,A,C,SOC,x1,'-v1\nS2,A,C,SOC,x2,-v1\nS3,A,C,SOC,x3,\nS4,A,C,SOC,x4,b\n"
    )
    read = tables.read_series(tmp_path / "series.csv")["software"]
    assert read.astype(object).where(read.notna(), None).tolist() == ["-v1", "-v1", None, "b"]
