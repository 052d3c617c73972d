"""Where the tests find what lies beside them."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "assets" / "example-strokes.jsonl"
CASES = ROOT / "tests" / "cases"  # files that users brought
