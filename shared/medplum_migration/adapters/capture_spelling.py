"""How each database spells triggers: statements in, definitions to create, drop and compare out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.dialects.mysql import CHAR

from medplum_migration.adapters.capture_tables import NUMBERING, OUTBOX, numbering_body
from medplum_migration.domain.errors import ConfigurationError

Event: TypeAlias = Literal["insert", "update", "delete"]
EVENTS: tuple[Event, ...] = ("insert", "update", "delete")
Text: TypeAlias = sa.ColumnElement[Any]


@dataclass(frozen=True, slots=True)
class Definition:
    """A trigger as it should be; `text` is what the catalogue says of it, `create` makes it."""

    name: str
    table: str
    text: str
    create: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Installed:
    """A trigger that the catalogue shows."""

    table: str
    text: str


class Spelling:
    """SQLite; the others differ in some methods."""

    name = "sqlite"
    dialect: sa.Dialect = sqlite.dialect(paramstyle="named")

    def __init__(self, schema: str = "") -> None:
        self.schema = schema

    def quote(self, name: str) -> str:
        """Quote a name."""
        return self.dialect.identifier_preparer.quote_identifier(name)

    def text(self, column: Text) -> Text:
        """Spell a key column's value as the reader does."""
        return sa.cast(column, sa.Text)

    def exact(self, value: Text) -> Text:
        """Compare by every character."""
        return sa.type_coerce(value, sa.Text).collate("BINARY")

    def length(self, text: Text) -> Text:
        """Count the characters."""
        return sa.func.length(text)

    def differ(self, one: Text, other: Text) -> sa.ColumnElement[bool]:
        """Tell whether two values differ, NULL being a value like others."""
        return self.exact(one).is_distinct_from(self.exact(other))

    def values(self, *columns: Text) -> sa.Select[Any]:
        """Begin a SELECT of one row."""
        return sa.select(*columns)

    def spelled(self, statement: sa.ClauseElement) -> str:
        """Write a statement with its values in it."""
        compiled = statement.compile(dialect=self.dialect, compile_kwargs={"literal_binds": True})
        return str(compiled)

    def insert(self, chosen: sa.Select[Any] | sa.CompoundSelect[Any]) -> str:
        """Write an INSERT into the outbox."""
        names = ["element", "record_key", "operation"]
        return self.spelled(sa.insert(OUTBOX).from_select(names, chosen, include_defaults=False))

    def insert_if(
        self, condition: sa.ColumnElement[bool], one: sa.Select[Any], other: sa.Select[Any]
    ) -> str:
        """Write an INSERT of what either gives, which reads no table unless a condition holds."""
        return self.insert(sa.union(one.where(condition), other.where(condition)))

    def definitions(
        self, name: str, table: str, bodies: Mapping[Event, Sequence[str]]
    ) -> list[Definition]:
        """Define the triggers of one part of an element."""
        made = []
        for event in EVENTS:
            statements = "\n".join(f"{statement};" for statement in bodies[event])
            trigger = name.format(event=f"{event}_")
            made.append(self._after(trigger, event, table, f"BEGIN\n{statements}\nEND"))
        return made

    def numbering(self) -> Definition:
        """Define the outbox's own trigger."""
        return self._after(NUMBERING, "insert", OUTBOX.name, numbering_body(self.name))

    def drop(self, name: str, table: str) -> tuple[str, ...]:  # noqa: ARG002 because PostgreSQL needs the table
        """Write what removes a trigger, if it is there."""
        return (f"DROP TRIGGER IF EXISTS {self.quote(name)}",)

    def installed(self, connection: sa.Connection) -> dict[str, Installed]:
        """Read the triggers that the catalogue shows, by name."""
        rows = connection.exec_driver_sql(
            "SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger'"
        )
        return {str(name): Installed(str(table), str(text)) for name, table, text in rows}

    def _after(self, name: str, event: str, table: str, body: str) -> Definition:
        made = f"CREATE TRIGGER {self.quote(name)} AFTER {event.upper()} ON {self.quote(table)}"
        text = f"{made} {body}"
        return Definition(name, table, text, (*self.drop(name, table), text))


class _Procedural(Spelling):
    """Databases whose triggers are procedures."""

    def insert_if(
        self, condition: sa.ColumnElement[bool], one: sa.Select[Any], other: sa.Select[Any]
    ) -> str:
        """Write an INSERT of what either gives, which reads no table unless a condition holds."""
        inserted = self.insert(sa.union(one, other))
        return f"IF {self.spelled(condition)} THEN\n{inserted};\nEND IF"


class MySqlSpelling(_Procedural):
    """MySQL and MariaDB."""

    name = "mysql"
    dialect = mysql.dialect(paramstyle="named")

    def text(self, column: Text) -> Text:
        """Spell a key column's value as the reader does."""
        return sa.cast(column, CHAR(charset="utf8mb4"))

    def exact(self, value: Text) -> Text:
        """Compare by every byte."""
        return sa.cast(value, sa.LargeBinary)

    def length(self, text: Text) -> Text:
        """Count the characters."""
        return sa.func.char_length(text)

    def values(self, *columns: Text) -> sa.Select[Any]:
        """Begin a SELECT of one row."""
        return sa.select(*columns).select_from(sa.text("DUAL"))

    def numbering(self) -> Definition:
        """Define the outbox's own trigger."""
        body = numbering_body(self.name)
        return self._trigger(NUMBERING, "BEFORE INSERT", OUTBOX.name, body)

    def installed(self, connection: sa.Connection) -> dict[str, Installed]:
        """Read the triggers that the catalogue shows, by name."""
        rows = connection.exec_driver_sql(
            "SELECT trigger_name, event_object_table, action_statement"
            " FROM information_schema.triggers WHERE trigger_schema = DATABASE()"
        )
        return {str(name): Installed(str(table), str(text)) for name, table, text in rows}

    def _after(self, name: str, event: str, table: str, body: str) -> Definition:
        return self._trigger(name, f"AFTER {event.upper()}", table, body)

    def _trigger(self, name: str, when: str, table: str, body: str) -> Definition:
        made = f"CREATE TRIGGER {self.quote(name)} {when} ON {self.quote(table)} FOR EACH ROW"
        return Definition(name, table, body, (*self.drop(name, table), f"{made} {body}"))


class PostgreSqlSpelling(_Procedural):
    """PostgreSQL: functions that run with their owner's rights, one trigger a part."""

    name = "postgresql"
    dialect = postgresql.dialect(paramstyle="named")  # type: ignore[no-untyped-call]

    def exact(self, value: Text) -> Text:
        """Compare as text: not every type has an equality."""
        return sa.cast(value, sa.Text).collate("C")

    def definitions(
        self, name: str, table: str, bodies: Mapping[Event, Sequence[str]]
    ) -> list[Definition]:
        """Define the trigger of one part of an element."""
        lines = ["", "BEGIN"]
        for event in EVENTS:
            lines.append(f"{'IF' if event == 'insert' else 'ELSIF'} TG_OP = '{event.upper()}' THEN")
            lines += [f"{statement};" for statement in bodies[event]]
        body = "\n".join([*lines, "END IF;", "RETURN NULL;", "END", ""])
        when = "AFTER INSERT OR UPDATE OR DELETE"
        return [self._function(name.format(event=""), when, table, body)]

    def numbering(self) -> Definition:
        """Define the outbox's own trigger."""
        body = numbering_body(self.name)
        return self._function(NUMBERING, "BEFORE INSERT", OUTBOX.name, body)

    def drop(self, name: str, table: str) -> tuple[str, ...]:
        """Write what removes a trigger and its function, if they are there."""
        trigger = self.quote(name)
        return (
            f"DROP TRIGGER IF EXISTS {trigger} ON {self.quote(table)}",
            f"DROP FUNCTION IF EXISTS {trigger}()",
        )

    def installed(self, connection: sa.Connection) -> dict[str, Installed]:
        """Read the triggers that the catalogue shows, by name; disabled ones do nothing."""
        rows = connection.exec_driver_sql(
            "SELECT tgname, relname, prosrc FROM pg_trigger"
            " JOIN pg_class ON pg_class.oid = tgrelid JOIN pg_proc ON pg_proc.oid = tgfoid"
            " WHERE NOT tgisinternal AND tgenabled <> 'D'"
            " AND relnamespace = current_schema()::regnamespace"
        )
        return {str(name): Installed(str(table), str(text)) for name, table, text in rows}

    def _function(self, name: str, when: str, table: str, body: str) -> Definition:
        # A temporary table of the application's must not take the place of the outbox.
        path = f"{self.quote(self.schema)}, pg_temp"
        called, drop_trigger = self.quote(name), self.drop(name, table)[0]
        function = (
            f"CREATE OR REPLACE FUNCTION {called}() RETURNS trigger LANGUAGE plpgsql"
            f" SECURITY DEFINER SET search_path = {path} AS $medplum${body}$medplum$"
        )
        trigger = (
            f"CREATE TRIGGER {called} {when} ON {self.quote(table)}"
            f" FOR EACH ROW EXECUTE FUNCTION {called}()"
        )
        return Definition(name, table, body, (drop_trigger, function, trigger))


_SPELLINGS: dict[str, type[Spelling]] = {
    "sqlite": Spelling,
    "mysql": MySqlSpelling,
    "mariadb": MySqlSpelling,
    "postgresql": PostgreSqlSpelling,
}


def spelling_for(connection: sa.Connection) -> Spelling:
    """Choose the spelling of a database.

    Raises:
        ConfigurationError: capture knows no triggers of this database.

    """
    database = connection.dialect.name
    if database not in _SPELLINGS:
        reason = "capture is written for SQLite, MySQL, MariaDB and PostgreSQL"
        raise ConfigurationError(reason, database=database)
    schema = ""
    if database == "postgresql":
        schema = str(connection.exec_driver_sql("SELECT current_schema()").scalar_one())
    return _SPELLINGS[database](schema)
