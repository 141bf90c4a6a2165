"""Logs, metrics and traces of every function: one logger, one metrics namespace, one tracer.

Handlers never log their event or their answer, and traces carry no response: both hold records.
"""

from aws_lambda_powertools import Logger, Metrics, Tracer

logger = Logger(log_uncaught_exceptions=False)
metrics = Metrics()
# POWERTOOLS_METRICS_NAMESPACE names the stack; without one, on somebody's machine, there is none.
metrics.namespace = metrics.namespace or "MedplumMigration"
# By default the tracer imports and patches every library that it knows at cold start, and its
# segments would carry SQL and URLs.
tracer = Tracer(auto_patch=False)
