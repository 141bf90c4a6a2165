"""Logs, metrics and traces of every function: one logger, one metrics namespace, one tracer.

Handlers never log their event or their answer, and traces carry no response: both hold records.
"""

from aws_lambda_powertools import Logger, Metrics, Tracer

logger = Logger(log_uncaught_exceptions=False)
metrics = Metrics(namespace="MedplumMigration")
tracer = Tracer()
