"""Columns of `patient_data` that do not go to Patient, and why."""

from medplum_migration.mapping.field import (
    Excluded,
    OutOfScope,
    TraceabilityOnly,
    Unmapped,
    Unsupported,
)

UNMAPPED: tuple[Unmapped, ...] = (
    TraceabilityOnly("id", why="row number; other tables point at pid"),
    TraceabilityOnly("uuid", why="id in OpenEMR's own API; empty in old rows"),
    TraceabilityOnly(
        *("date", "regdate", "last_updated", "created_by", "updated_by"),
        why="who touched the row and when: audit of the legacy store, not of the patient",
    ),
    Unsupported(
        *("ref_providerID", "referrer", "referrerID", "provider_since_date"),
        why="who referred, and since when the provider cares: no element of Patient",
    ),
    OutOfScope(
        *("care_team_provider", "care_team_facility", "care_team_status"),
        why="superseded by the tables care_teams and care_team_member: element care teams",
    ),
    OutOfScope("pharmacy_id", why="points at pharmacies, which are not migrated"),
    OutOfScope(
        *("completed_ad", "ad_reviewed", "advance_directive_user_authenticator"),
        why="advance directive; comes with the element consents",
    ),
    OutOfScope(
        *("hipaa_mail", "hipaa_voice", "hipaa_notice", "hipaa_message"),
        *("hipaa_allowsms", "hipaa_allowemail", "allow_health_info_ex"),
        *("allow_imm_reg_use", "allow_imm_info_share", "allow_patient_portal"),
        why="permission of the patient; comes with the element consents",
    ),
    OutOfScope(
        *("imm_reg_status", "imm_reg_stat_effdate", "publicity_code", "publ_code_eff_date"),
        *("protect_indicator", "prot_indi_effdate", "vfc"),
        why="state in the immunization registry; comes with the element immunizations",
    ),
    OutOfScope("name_history", why="lives in the table name_history"),
    Unsupported(
        *("sexual_orientation", "gender_identity", "sex_identified", "pronoun"),
        why="needs extensions and code tables that a clinician has reviewed",
    ),
    Unsupported(
        *("ethnoracial", "tribal_affiliations", "nationality_country"),
        why="free text or local codes beside race and ethnicity; needs a reviewed code table",
    ),
    Unsupported(
        *("interpreter", "interpreter_needed"),
        why="yes, no, unknown and asked-unknown do not fit the boolean of R4's extension",
    ),
    Unsupported(
        *("occupation", "industry", "homeless", "migrantseasonal", "family_size"),
        why="social history: Observations of their own, no part of Patient",
    ),
    Unsupported("deceased_reason", why="cause of death: an Observation, no part of Patient"),
    Unsupported("contrastart", why="contraception: an Observation, no part of Patient"),
    Excluded(
        *("financial", "monthly_income", "billing_note", "financial_review", "pricelevel"),
        why="billing of the clinic, not clinical",
    ),
    Excluded(
        *("genericname1", "genericval1", "genericname2", "genericval2"),
        *(f"usertext{n}" for n in range(1, 9)),
        *(f"userlist{n}" for n in range(1, 8)),
        why="free for each installation; empty here, a clinic that uses one maps it",
    ),
    Excluded("squad", "fitness", "referral_source", why="sports and marketing add-ons of OpenEMR"),
    Excluded(
        *("soap_import_status", "cmsportal_login", "dupscore", "patient_groups"),
        "prevent_portal_apps",
        why="state of the legacy application",
    ),
)
