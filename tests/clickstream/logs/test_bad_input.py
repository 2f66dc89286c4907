"""Whatever is handed in: one clear sentence, a non-zero exit, and nothing before it lost."""

import gzip
import io
import os
import random
import re
import sys
import tarfile
import threading
import zipfile
from pathlib import Path

import pytest
from backports import zstd
from tests.clickstream.logs.builders import LINES, line

from clickstream.core.errors import InputError
from clickstream.parse import detect


def test_a_missing_file_is_named(report, tmp_path):
    path = tmp_path / "no.log"
    assert report(path) == (1, None, f"{path} does not exist: check the name. (CS-206)\n")


def test_an_empty_file_is_refused(report, tmp_path):
    path = tmp_path / "empty.log"
    path.touch()
    assert report(path) == (1, None, f"{path} is empty: name a log that has lines. (CS-102)\n")


def test_an_empty_compressed_file_is_refused(report, tmp_path):
    path = tmp_path / "empty.log.gz"
    path.write_bytes(gzip.compress(b""))
    code, figures, errors = report(path)
    assert (code, figures) == (1, None)
    assert "is empty" in errors


def test_an_empty_standard_input_is_refused(report, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    code, figures, errors = report("-")
    assert (code, figures) == (1, None)
    assert errors.startswith("stdin is empty")


def test_a_binary_file_is_refused(report, tmp_path):
    path = tmp_path / "picture.jpg"
    path.write_bytes(b"\xff\xd8\xff\xe0\0\x10JFIF\0" + random.Random(1).randbytes(50_000))
    code, figures, errors = report(path)
    assert (code, figures) == (1, None)
    assert one_sentence(errors)
    assert "is not a text file" in errors


def test_text_in_no_known_format_is_refused_with_its_first_line(report, tmp_path):
    path = tmp_path / "diary.txt"
    path.write_text("Dear diary,\ntoday I drank coffee.\n")
    code, figures, errors = report(path)
    assert (code, figures) == (1, None)
    assert str(path) in errors
    assert "Dear diary" in errors
    seen, nearest, command = errors.splitlines()
    assert seen.endswith(" (CS-208)"), "the command is printed as it is typed"
    name = re.fullmatch(r"The nearest format is (\w+), like .*", nearest)[1]
    assert command == f"Try: clickstream try {path} --format {name}"


@pytest.mark.parametrize(
    ("nearly", "name"),
    [
        ('{"ts": 12, "x": "y", "path": "/b"}', "json"),
        ('192.0.2.7 - - [20/Nov/2026:10:00:00 +0000] GET /b HTTP/1.1 200 100 "-" "x"', "combined"),
        ("192.0.2.7 - - [20/Nov/2026:10:00:00 +0000] GET /b HTTP/1.1 200 100", "common"),
        ("2026-11-20 05:00:00 192.0.2.7 GET /menu 200", "w3c"),
    ],
)
def test_the_first_format_that_is_named_is_the_most_similar_one(nearly, name):
    with pytest.raises(InputError, match=rf"nearest format is {name}, like ") as refused:
        detect(nearly.encode())
    assert len(str(refused.value)) < 1000


@pytest.mark.parametrize(
    ("server", "line"),
    [
        ("nginx", "2026/11/20 17:00:00 [error] 7#7: *1 open() failed (2: No such file)"),
        ("nginx", "2026/11/20 17:00:00 [notice] 1#1: start worker processes"),
        ("Apache", "[Fri Sep 09 10:42:29.902022 2011] [core:error] [pid 35708] File missing: /x"),
        ("Apache", "[Fri Sep  9 10:42:29 2011] [error] [client 192.0.2.7] File missing: /x"),
    ],
)
def test_an_error_log_is_called_one(server, line):
    with pytest.raises(InputError, match=f"looks like {server}'s error log") as refused:
        detect(line.encode())
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize("extra", ["", "access.log"])
def test_the_access_logs_beside_an_error_log_are_named(report, tmp_path, extra):
    path = tmp_path / "error.log"
    path.write_text("2026/11/20 17:00:00 [error] 7#7: *1 open() failed\n")
    if extra:
        (tmp_path / extra).write_text("".join(LINES))
    _, _, errors = report(path)
    _, looks_like, *command = errors.splitlines()
    assert looks_like == "This looks like nginx's error log: name its access log instead."
    assert command == ([f"Try: clickstream try {tmp_path}"] if extra else [])


def tar_of(log):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.add(log, log.name)
    return file.getvalue()


def zip_of(log, compression):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        archive.write(log, log.name)
    return file.getvalue()


@pytest.mark.parametrize("log_format", ["auto", "combined"])
def test_an_archive_is_never_read_as_text(reading, log, tmp_path, log_format):
    archives = {
        "a.tar": tar_of(log),
        "a.tar.gz": gzip.compress(tar_of(log)),
        "stored.zip": zip_of(log, zipfile.ZIP_STORED),
        "deflated.zip": zip_of(log, zipfile.ZIP_DEFLATED),
    }
    for name, data in archives.items():
        path = tmp_path / name
        path.write_bytes(data)
        code, figures, errors = reading(path, log_format=log_format)
        assert (code, figures) == (1, None), name
        assert re.match(rf"{path} is a (tar|zip) archive of files, not a log: unpack it", errors)
        assert "&& clickstream try unpacked\n" in errors


def test_a_named_pipe_says_that_it_waits(reading, tmp_path):
    pipe = tmp_path / "pipe.log"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=["".join(LINES)])
    writer.start()
    code, figures, errors = reading(pipe)
    writer.join()
    assert (code, figures["lines"]) == (0, len(LINES))
    assert errors == f"Waiting for the lines of {pipe}, a named pipe. Ctrl-C stops.\n"


def test_an_unknown_format_name_is_refused(report, log):
    code, figures, errors = report(log, log_format="fancy")
    assert (code, figures) == (1, None)
    assert one_sentence(errors)
    assert "'fancy'" in errors
    assert "use one of auto, " in errors
    assert ", combined, common, " in errors


def test_wrong_format_rejects_every_line_and_says_so(report, log):
    code, figures, errors = report(log, log_format="common")
    assert code == 1
    assert figures["rejected"]["total"] == figures["lines"] == len(LINES)
    assert figures["first_at"] is None
    assert one_sentence(errors)
    assert "None of 12 lines could be parsed: " in errors


@pytest.mark.parametrize("compressed", [gzip.compress, zstd.compress])
def test_cut_in_half_reports_what_comes_before(reading, tmp_path, compressed):
    numbers = random.Random(1)
    lines = [line("192.0.2.1", "05:00:00", f"/{numbers.getrandbits(256)}") for _ in range(10_000)]
    data = compressed("".join(lines).encode())
    path = tmp_path / "cut.log.gz"
    path.write_bytes(data[: len(data) // 2])
    code, figures, errors = reading(path)
    assert code == 1
    assert 1_000 < figures["lines"] == figures["parsed"] < 9_000
    assert one_sentence(errors)
    assert f"{path} is cut off or damaged after {figures['lines']:,} whole lines" in errors


def test_a_compressed_file_that_ends_inside_its_header_is_refused(report, tmp_path):
    path = tmp_path / "cut.log.gz"
    path.write_bytes(gzip.compress(b"")[:5])
    code, figures, errors = report(path)
    assert (code, figures) == (1, None)
    assert one_sentence(errors)
    assert "before its first line ends" in errors


def test_a_damaged_checksum_of_a_compressed_file_is_reported(reading, tmp_path):
    data = bytearray(gzip.compress("".join(LINES).encode()))
    data[-8] ^= 1
    path = tmp_path / "damaged.log.gz"
    path.write_bytes(data)
    code, figures, errors = reading(path)
    assert (code, figures["lines"]) == (1, len(LINES))
    assert "damaged" in errors


def test_every_bad_file_is_named_and_the_good_ones_are_reported(reading, log, tmp_path):
    (tmp_path / "none").mkdir()
    code, figures, errors = reading(tmp_path / "a", log, tmp_path / "none")
    assert (code, figures["lines"]) == (1, len(LINES))
    assert errors.count("\n") == 2
    assert f"{tmp_path / 'a'} does not exist" in errors
    assert f"{tmp_path / 'none'} has no files" in errors


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs /proc")
def test_a_file_whose_disk_does_not_answer_is_refused(report):
    code, figures, errors = report("/proc/self/mem")
    assert (code, figures) == (1, None)
    assert one_sentence(errors)
    assert "/proc/self/mem can't be read further" in errors


@pytest.fixture
def unreadable_log(log):
    """A log that nobody may read; root, who may read everything, is nobody for a while."""
    log.chmod(0)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    yield log
    os.seteuid(user)


def test_a_file_that_may_not_be_read_is_refused(report, unreadable_log):
    code, figures, errors = report(unreadable_log)
    assert (code, figures) == (1, None)
    assert one_sentence(errors)
    assert f"You do not have permission to read {unreadable_log}" in errors


def test_noise_between_good_lines_is_rejected_by_line(reading, tmp_path):
    path = tmp_path / "noisy.log"
    path.write_bytes("".join(LINES).encode() + b"\0\0\0\xff\xfe\n" + LINES[0].encode())
    code, figures, _ = reading(path)
    assert code == 0
    assert (figures["lines"], figures["parsed"]) == (len(LINES) + 2, len(LINES))


def one_sentence(errors):
    """Whether the output is one line: a sentence and, for an error, its code."""
    return bool(re.fullmatch(r".*\.( \(CS-\d{3}\))?\n", errors))
