"""Picture and page that show how a registration went."""

from .contents import ReportContents
from .page import write_report
from .results import FILES, write_results

__all__ = ["FILES", "ReportContents", "write_report", "write_results"]
