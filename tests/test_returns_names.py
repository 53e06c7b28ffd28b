"""File names and folders: whose workbook it is, or a message that says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from return_workbooks import referrals, sheet, sheet_name, write_workbook

from sfpc_book.errors import ReturnsError
from sfpc_book.returns.inventory import read_inventory
from sfpc_book.returns.names import ReturnFile, UnreadName, read_name
from sfpc_book.returns.read import read_authority
from sfpc_book.returns.workbook import read_workbook
from sfpc_book.study.study import load_study

SLUGS = ("swindon", "telford_and_wrekin", "walsall")


@pytest.fixture(scope="module")
def study():
    return load_study()


@pytest.mark.parametrize(
    ("name", "slug", "layer", "month", "rest"),
    [
        ("swindon_dr2_nov22.xlsx", "swindon", "dr2", "nov22", ""),
        ("Swindon_DR2_Nov22.xlsx", "swindon", "dr2", "nov22", ""),
        ("telford_and_wrekin_dr1_apr21 (3).xlsx", "telford_and_wrekin", "dr1", "apr21", " (3)"),
        ("swindon_dr3_nov24_part2.xlsx", "swindon", "dr3", "nov24", "_part2"),
        ("swindon dr2 november2022.xlsx", "swindon", "dr2", "nov22", ""),
        ("telford_wrekin_dr3_nov24.xlsx", "telford_and_wrekin", "dr3", "nov24", ""),
    ],
)
def test_a_name_says_authority_layer_and_month(name, slug, layer, month, rest):
    file = read_name(Path(name), SLUGS, {"telford_wrekin": "telford_and_wrekin"})
    assert isinstance(file, ReturnFile)
    assert (file.slug, file.layer, file.month, file.rest) == (slug, layer, month, rest)


@pytest.mark.parametrize(
    ("name", "message", "nearest"),
    [
        (
            "telford_wrekin_dr3_nov24.xlsx",
            "nearest is 'telford_and_wrekin'. Allowed: swindon, ",
            "telford_and_wrekin",
        ),
        ("swinden_dr3_nov24.xlsx", "unknown authority 'swinden'", "swindon"),
        (
            "xyz_dr3_nov24.xlsx",
            "unknown authority 'xyz'. Allowed: swindon, telford_and_wrekin, walsall",
            None,
        ),
        ("swindon_dr7_nov24.xlsx", "there are dr1, dr2 and dr3", None),
        ("swindon nov24.xlsx", "not of the form <authority>_dr<1|2|3>", None),
        ("swindon_dr2_xyz22.xlsx", "not of the form", None),
    ],
)
def test_a_name_that_says_none_lists_what_is_allowed(name, message, nearest):
    found = read_name(Path(name), SLUGS, {})
    assert isinstance(found, UnreadName)
    assert message in found.text and found.nearest == nearest


def test_an_unknown_slug_blocks_the_authority_it_is_nearest_to(study, tmp_path):
    for name in ("telford_wrekin_dr3_nov24.xlsx", "swindon_dr2_nov22.xlsx"):
        (tmp_path / name).touch()
    finding = read_inventory(study, tmp_path).findings_of("telford_and_wrekin")[0]
    assert (finding.status, finding.severity, finding.file) == (
        "fail",
        "block",
        "telford_wrekin_dr3_nov24.xlsx",
    )
    assert "Allowed: " in finding.text and "swindon" in finding.text


def test_a_file_that_is_near_nobody_marks_every_authority(study, tmp_path):
    for name in ("xyz_dr3_nov24.xlsx", "swindon_dr2_nov22.xlsx"):
        (tmp_path / name).touch()
    inventory = read_inventory(study, tmp_path)
    for slug in ("swindon", "norfolk"):
        assert [(part.severity, part.file) for part in inventory.findings_of(slug)] == [
            ("mark", "xyz_dr3_nov24.xlsx")
        ]


def test_a_file_in_an_authoritys_folder_is_its_affair(study, tmp_path):
    for name in ("walsall/xyz_dr3_nov24.xlsx", "swindon/swindon_dr2_nov22.xlsx"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    assert [finding.check for finding in read_inventory(study, tmp_path).findings_of("walsall")] == [
        "file_name"
    ]


@pytest.mark.parametrize(
    ("name", "check"),
    [
        ("leicester_dr2_nov22.xlsx", "file_of_non_member"),
        ("swindon_dr2_nov22 (3).xlsx", "file_name_suffix"),
        ("swindon_dr2_feb22.xlsx", "file_month"),
        ("notes.docx", "file_type"),
    ],
)
def test_doubtful_files_are_noted(study, tmp_path, name, check):
    for path in ("swindon_dr2_nov21.xlsx", name, "manifest.json", "~$swindon_dr2_nov21.xlsx", ".hidden.xlsx"):
        (tmp_path / path).write_text("{}")
    findings = read_inventory(study, tmp_path).findings
    assert [(finding.check, finding.severity, finding.file) for finding in findings] == [
        (check, "note", name)
    ]


def test_a_file_that_is_nobodys_is_told_to_the_folder_it_lies_in_or_else_to_everybody(study, tmp_path):
    for name in (
        "swindon_dr2_nov22.xlsx",
        "leicester_dr2_nov22.xlsx",
        "walsall/notes.docx",
        "walsall/leicester_dr1_apr21.xlsx",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    inventory = read_inventory(study, tmp_path)
    told = {slug: {part.file for part in inventory.findings_of(slug)} for slug in ("walsall", "swindon")}
    assert told["swindon"] == {"leicester_dr2_nov22.xlsx"}
    assert told["walsall"] == {"leicester_dr2_nov22.xlsx", "notes.docx", "leicester_dr1_apr21.xlsx"}


def test_a_file_in_the_folder_of_another_authority_marks_the_one_it_is_named_for(study, tmp_path):
    for name in ("coventry/swindon_dr2_nov22.xlsx", "coventry/coventry_dr2_nov22.xlsx"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    inventory = read_inventory(study, tmp_path)
    told = [(part.check, part.severity, part.authority) for part in inventory.findings]
    assert told == [("file_folder", "mark", "swindon")]
    assert "folder of 'coventry'" in inventory.findings[0].text


def test_workbooks_of_an_authority_that_left_are_read_only_if_a_sample_asks_for_them(study, tmp_path):
    for name in ("leicester_dr2_nov22.xlsx", "swindon_dr2_nov22.xlsx"):
        (tmp_path / name).touch()
    without = {name: part for name, part in study.samples.items() if not part.with_left}
    for asked, slugs, words in (
        (
            study,
            {"leicester", "swindon"},
            "Leicester withdrew from the trial: the file is read for the sample “Main, but with Leicester”",
        ),
        (study.model_copy(update={"samples": without}), {"swindon"}, "left alone"),
    ):
        inventory = read_inventory(asked, tmp_path)
        assert {file.slug for file in inventory.files} == slugs
        assert [(part.check, part.status, part.authority) for part in inventory.findings] == [
            ("file_of_non_member", "info", "leicester")
        ]
        assert words in inventory.findings[0].text


def test_workbooks_come_in_the_order_of_their_months(study, tmp_path):
    for month in ("nov22", "apr21", "nov20", "apr22"):
        (tmp_path / f"swindon_dr2_{month}.xlsx").touch()
    assert [file.month for file in read_inventory(study, tmp_path).of("swindon")] == [
        "nov20",
        "apr21",
        "apr22",
        "nov22",
    ]


def test_a_missing_folder_is_named(study, tmp_path):
    with pytest.raises(ReturnsError, match=r"no folder of returns at .*nowhere") as caught:
        read_inventory(study, tmp_path / "nowhere")
    assert caught.value.exit_code == 4


def test_an_empty_folder_says_which_names_it_wants(study, tmp_path):
    with pytest.raises(ReturnsError, match=r"holds no workbooks.*swindon_dr2_nov22.xlsx"):
        read_inventory(study, tmp_path)


def test_a_folder_of_strangers_lists_every_file(study, tmp_path):
    for name in ("a_dr2_nov22.xlsx", "b.xlsx"):
        (tmp_path / name).touch()
    with pytest.raises(ReturnsError) as caught:
        read_inventory(study, tmp_path)
    assert len(caught.value.problems) == 2 and "Allowed: " in caught.value.problems[0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"child_id,referral_date\n1,2", "not a workbook"),
        (b"PK\x03\x04 broken", "not a workbook"),
        (
            bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600) + "EncryptedPackage".encode("utf-16-le"),
            "behind a password",
        ),
    ],
)
def test_what_is_no_workbook_is_named_and_blocks_its_authority(study, tmp_path, content, message):
    path = tmp_path / "swindon_dr2_nov22.xlsx"
    path.write_bytes(content)
    with pytest.raises(ReturnsError, match=f"swindon_dr2_nov22.xlsx cannot be read.*{message}"):
        read_workbook(path)
    finding = next(
        part for part in read_authority(study, "swindon", tmp_path).findings if part.severity == "block"
    )
    assert finding.check == "workbook_unreadable" and message in finding.text


def test_an_authority_without_a_model_is_refused_with_those_allowed(study, tmp_path):
    write_workbook(
        tmp_path / "swindon_dr2_nov22.xlsx",
        {sheet_name("dr2_referrals"): sheet("dr2_referrals", referrals())},
    )
    with pytest.raises(ReturnsError, match=r"No returns can be read for 'luton'\. Authorities with a model"):
        read_authority(study, "luton", tmp_path)
