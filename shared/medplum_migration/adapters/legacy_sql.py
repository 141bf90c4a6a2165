"""`LegacyStore` over a SQL database: rows of tables or views, versions from the outbox.

Row and version come from one snapshot, because both are read in one transaction that sees one
state of the database, and because triggers write a row's change and its outbox entry in one
transaction too:

- PostgreSQL at REPEATABLE READ takes its snapshot at the first query of the transaction.
- MariaDB and MySQL (InnoDB) at REPEATABLE READ open their read view at the first consistent read.
  Tables of other engines (MyISAM) have no snapshots and must not be used.
- SQLite fixes the snapshot at the first read after BEGIN: in WAL mode by the end mark of the log,
  in rollback mode by a shared lock that keeps writers from committing.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import batched, pairwise
from typing import Any, TypeAlias
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.mysql import VARCHAR as MYSQL_VARCHAR
from sqlalchemy.exc import NoSuchTableError, SQLAlchemyError
from sqlalchemy.sql.elements import quoted_name

from medplum_migration.domain.data_element import LegacyRecord
from medplum_migration.domain.errors import ConfigurationError, MigrationError, UnavailableError

Key: TypeAlias = int | str
