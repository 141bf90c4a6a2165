"""Port `Telemetry` on Powertools: structured logs, and metrics in the embedded metric format."""

import logging

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit, single_metric

_RESERVED = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class PowertoolsTelemetry:
    """Writes through a logger and under the namespace and service of a metrics object."""

    def __init__(self, logger: Logger, metrics: Metrics) -> None:
        self._logger = logger
        self._metrics = metrics

    def event(self, name: str, /, **fields: str | float) -> None:
        """Log that something happened."""
        self._logger.info(name, extra=_loggable(fields))

    def problem(self, name: str, /, **fields: str | float) -> None:
        """Log that something went wrong and somebody may have to act."""
        self._logger.warning(name, extra=_loggable(fields))

    def count(self, metric: str, value: float, /, **dimensions: str) -> None:
        """Add to a metric, under these dimensions and no others but the service."""
        with single_metric(
            name=metric,
            unit=MetricUnit.Count,
            value=value,
            namespace=self._metrics.namespace,
            default_dimensions={"service": self._metrics.service or "", **dimensions},
        ):
            pass


def _loggable(fields: dict[str, str | float]) -> dict[str, str | float]:
    """Keep clear of the names that a log record uses itself."""
    return {f"{name}_" if name in _RESERVED else name: value for name, value in fields.items()}
