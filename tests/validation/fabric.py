"""A small table of collectives for tests, and the shared one where it is at hand."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

import pytest
from tests.measured import ROOT, VARIABLE

HEADER = (
    "id,source_id,source,date,kind,confidence,chip,system,scope,ranks,nodes,collective,algorithm,library,size_bytes,"
    "metric,value,unit,location,notes"
)
_H800 = "two,two,2026,measured,high,nvidia-h800-sxm,nvidia-hgx-h800-8,inter-node"
_H100 = "intra-node,8,1,all_gather,default,lib,67108864"
_FP8 = "dtype=fp8; tokens_per_rank=4096; hidden=7168; topk=8"
_BF16 = "dtype=bf16; tokens_per_rank=128; hidden=7168; topk=8"
ROWS = (
    f"a1,one,one,2026,measured,high,nvidia-h100-sxm,nvidia-hgx-h100-8,{_H100},time_s,2.0e-4,s,,",
    f"a2,one,one,2026,derived,high,nvidia-h100-sxm,nvidia-hgx-h100-8,{_H100},busbw_byte_per_s,2.9e11,byte/s,,",
    f"a3,one,one,2026,measured,high,nvidia-h100-sxm,nvidia-hgx-h100-8,{_H100},busbw_byte_per_s,2.9e11,byte/s,,",
    "b1,two,two,2026,measured,high,nvidia-h200-sxm,aws-p5en-h200-8,inter-node,32,4,all_reduce,ring,lib,4294967296,busbw_byte_per_s,3.6e11,byte/s,,",
    "b2,two,two,2026,measured,low,nvidia-gb200,nvidia-gb200-nvl72,intra-node,2,1,p2p,copy,tool,,algbw_byte_per_s,7.7e11,byte/s,,",
    f"c1,{_H800},2,2,p2p,,,64,latency_s,3.7e-06,s,,fabric=roce",
    f"d1,{_H800},64,8,ep_dispatch,normal,kernel,,algbw_byte_per_s,5.1e10,byte/s,,{_FP8}; logical",
    f"d2,{_H800},64,8,ep_combine,low-latency,kernel,14680064,time_s,3.1e-4,s,,{_BF16}",
    "e1,two,two,2026,measured,medium,huawei-ascend-910c,huawei-cloudmatrix-384,supernode,2,,p2p,load-store,,,latency_s,2.5e-06,s,,switch_hops=2",
    f"f1,two,two,2026,measured,high,nvidia-h100-sxm,no-such-system,{_H100},time_s,2.0e-4,s,,",
)  # fmt: skip


def table(*rows: str) -> str:
    """A table of these rows, of all of them if none is given."""
    return "\n".join((HEADER, *(rows or ROWS))) + "\n"


def shared() -> str:
    """The shared table of collectives as text; skips the test where it is absent."""
    folder = Path(os.environ.get(VARIABLE, ROOT.parent / "shared"))
    for file in (folder / "measured" / "fabric.csv", folder / "fabric.csv"):
        if file.is_file():
            return file.read_text(encoding="utf-8")
    pytest.skip(f"no measured/fabric.csv in {folder}; set {VARIABLE} to the folder that has it")


def records(content: str) -> list[dict[str, str]]:
    """Rows of a table as text by column."""
    return list(csv.DictReader(io.StringIO(content)))
