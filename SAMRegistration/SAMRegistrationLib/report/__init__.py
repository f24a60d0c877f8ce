"""Picture and page that show how a registration went."""

from .contents import ReportContents
from .page import write_report
from .results import write_results

__all__ = ["ReportContents", "write_report", "write_results"]
