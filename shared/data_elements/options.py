"""Options of OpenEMR's lists (`list_options`): standard code where reviewed, local code, title.

A table names an option that has no reviewed standard code under the local system itself.
"""

from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator

from medplum_migration.mapping.codes import Code, Codes
from medplum_migration.mapping.columns import NullableText
from medplum_migration.mapping.field import refuse

OptionText: TypeAlias = Annotated[NullableText, BeforeValidator(lambda v: None if v == "0" else v)]
"""The id of an option as text: '0' is the blank option of several lists, and missing."""


class Options(Codes):
    """The options of one list, for columns that hold an option's id, or free text instead."""

    def decode_option(self, value: str) -> dict[str, Any]:
        """Make a CodeableConcept; what is no option of the list is text, never a code."""
        known = self.forward.get(value)
        if known is None:
            return {"text": value}
        return {"coding": self.codings(known), "text": known.display}

    def encode_option(self, concept: dict[str, Any]) -> str:
        """Find the option of a CodeableConcept, or give back its text when it has no code."""
        held = concept.get("coding")
        if held:
            return self.chosen(held)
        text = concept.get("text")
        if not isinstance(text, str) or text in self.forward:
            refuse(f"neither an option of {self.name} nor free text")
        return text

    def decode_number(self, number: int) -> dict[str, Any]:
        """Make a CodeableConcept of an option whose column holds a number."""
        if str(number) not in self.forward:
            refuse(f"no option of {self.name}")
        return self.decode_option(str(number))

    def encode_number(self, concept: dict[str, Any]) -> int:
        """Find the option of a CodeableConcept for a column that holds numbers only."""
        if not concept.get("coding"):
            refuse("text in place of an option, where the column holds a number")
        return int(self.encode_option(concept))

    def codings(self, known: Code) -> list[dict[str, str]]:
        """List the standard coding, where there is one, and the local one."""
        if known.system == self.local:
            return [known.coding()]
        return [known.coding(), {"system": self.local, "code": known.legacy}]

    def chosen(self, codings: list[dict[str, Any]]) -> str:
        """Find the option of codings: by the local one, if a standard one does not contradict it.

        Raises:
            Unmappable: none or several options, or a code that no option has.

        """
        held = {(coding.get("system"), coding.get("code")) for coding in codings}
        for known in self.rows:
            if held == {(coding["system"], coding["code"]) for coding in self.codings(known)}:
                return known.legacy
        found = [row for row in self.rows if held == {(row.system, row.code)}]
        if not found:
            refuse(f"no option of {self.name} has this code")
        return next((row.legacy for row in found if row.canonical), found[0].legacy)


def decode_usage(table: Options, code: str | None, title: str | None) -> dict[str, Any]:
    """Make the category of a drug's use; the title is a text of its own, also without a code."""
    made: dict[str, Any] = {"text": title} if title else {}
    if code is None:
        return made
    known = table.forward.get(code)
    if known is None:
        refuse(f"no option of {table.name}")
    return {"coding": table.codings(known)} | made


def encode_usage(table: Options, concept: dict[str, Any]) -> tuple[str | None, str | None]:
    """Undo `decode_usage`."""
    held = concept.get("coding")
    return table.chosen(held) if held else None, concept.get("text")
