"""The clinic's table `patient_data`, column for column as OpenEMR 8 has it.

Types fit SQLite and MariaDB. SQLite keeps dates as text, so that zero dates can be stored as the
real thing stores them.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

PATIENT_DATA = "patient_data"
PATIENT_KEY = "pid"

_DATE = sa.Date().with_variant(sa.String(10), "sqlite")
_DATETIME = sa.DateTime().with_variant(sa.String(26), "sqlite")
_BIGINT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_UUID = sa.LargeBinary(16).with_variant(mysql.BINARY(16), "mysql", "mariadb")
_TINY = sa.Text().with_variant(mysql.TINYTEXT(), "mysql", "mariadb")
_LONG = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")

_NAMES = """
    title language financial fname lname mname street postal_code city state country_code
    drivers_license ss phone_home phone_biz phone_contact phone_cell status contact_relationship
    sex referrer referrerID email email_direct ethnoracial race ethnicity interpreter
    migrantseasonal family_size monthly_income homeless pubpid genericname1 genericval1
    genericname2 genericval2 usertext1 usertext2 usertext3 usertext4 usertext5 usertext6 usertext7
    usertext8 userlist1 userlist2 userlist3 userlist4 userlist5 userlist6 userlist7 vfc mothersname
    allow_imm_reg_use allow_imm_info_share allow_health_info_ex deceased_reason
"""
_TEXTS = """
    interpreter_needed billing_note guardiansname care_team_provider care_team_facility
    care_team_status industry imm_reg_status imm_reg_stat_effdate publicity_code publ_code_eff_date
    protect_indicator prot_indi_effdate guardianrelationship guardiansex guardianaddress
    guardiancity guardianstate guardianpostalcode guardiancountry guardianphone guardianworkphone
    guardianemail sexual_orientation gender_identity birth_fname birth_lname birth_mname
    patient_groups prevent_portal_apps tribal_affiliations sex_identified pronoun
"""
_TINY_TEXTS = """
    name_history suffix street_line_2 provider_since_date preferred_name nationality_country
"""
_SHORT_NAMES = {
    "religion": (40, ""),
    "hipaa_mail": (3, ""),
    "hipaa_voice": (3, ""),
    "hipaa_notice": (3, ""),
    "hipaa_message": (20, ""),
    "hipaa_allowsms": (3, "NO"),
    "hipaa_allowemail": (3, "NO"),
    "squad": (32, ""),
    "referral_source": (30, ""),
    "pricelevel": (255, "standard"),
    "completed_ad": (3, "NO"),
    "allow_patient_portal": (31, ""),
    "cmsportal_login": (60, ""),
    "county": (40, ""),
}
_NUMBERS = {"pharmacy_id": "0", "fitness": "0", "dupscore": "-9"}
_OPTIONAL: dict[str, sa.types.TypeEngine[Any]] = {
    "DOB": _DATE,
    "contrastart": _DATE,
    "date": _DATETIME,
    "financial_review": _DATETIME,
    "regdate": _DATETIME,
    "ad_reviewed": _DATETIME,
    "deceased_date": _DATETIME,
    "providerID": sa.Integer(),
    "ref_providerID": sa.Integer(),
    "soap_import_status": sa.SmallInteger().with_variant(mysql.TINYINT(), "mysql", "mariadb"),
    "advance_directive_user_authenticator": _BIGINT,
    "created_by": _BIGINT,
    "updated_by": _BIGINT,
    "occupation": _LONG,
}


def patient_data(metadata: sa.MetaData) -> sa.Table:
    """Describe the table: `id` counts rows, `pid` is what every other table points at."""
    return sa.Table(
        PATIENT_DATA,
        metadata,
        sa.Column("id", _BIGINT, primary_key=True, autoincrement=True),
        sa.Column("uuid", _UUID, unique=True),
        sa.Column(PATIENT_KEY, _BIGINT, nullable=False, unique=True, server_default="0"),
        *(_name(name, 255, "") for name in _NAMES.split()),
        *(_name(name, *shape) for name, shape in _SHORT_NAMES.items()),
        *(_number(name, default) for name, default in _NUMBERS.items()),
        *(sa.Column(name, kind) for name, kind in _OPTIONAL.items()),
        *(sa.Column(name, sa.Text()) for name in _TEXTS.split()),
        *(sa.Column(name, _TINY) for name in _TINY_TEXTS.split()),
        sa.Column(
            "last_updated", _DATETIME, nullable=False, server_default=sa.text("CURRENT_TIMESTAMP")
        ),
        sa.Index("idx_patient_name", "lname", "fname"),
        sa.Index("idx_patient_dob", "DOB"),
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
        mariadb_engine="InnoDB",
        mariadb_charset="utf8mb4",
    )


def _name(name: str, length: int, default: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=False, server_default=default)


def _number(name: str, default: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False, server_default=default)
