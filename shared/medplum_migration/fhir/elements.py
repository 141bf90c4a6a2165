"""Element names of the resource types that records migrate to, as FHIR R4 4.0.1 lists them.

The table is generated (tests/unit/medplum_migration/fhir/generate_codes.py); `onset=Age|Period` is
the choice `onset[x]`.
"""

import re
from functools import cache

_EVERY = frozenset(
    name
    for names in (
        "resourceType id meta implicitRules language text",
        "contained extension modifierExtension",
    )
    for name in names.split()
)


@cache
def names(resource_type: str) -> frozenset[str]:
    """Name the top-level elements of a resource type; empty when the type is not listed."""
    listed = {name for group in _groups(resource_type) for name in group}
    return _EVERY | listed if listed else frozenset()


def types() -> list[str]:
    """List the resource types of the table."""
    return re.findall(r"^(\w+):", TABLE, re.MULTILINE)


@cache
def rivals(resource_type: str, name: str) -> frozenset[str]:
    """Name the other elements of a choice (`deceasedBoolean` for `deceasedDateTime`)."""
    return frozenset(n for g in _groups(resource_type) if name in g for n in g if n != name)


@cache
def _groups(resource_type: str) -> tuple[tuple[str, ...], ...]:
    found = next((t for t in re.split(r"\n(?! )", TABLE) if t.startswith(f"{resource_type}:")), ":")
    return tuple(_group(word) for word in found.partition(":")[2].split())


def _group(word: str) -> tuple[str, ...]:
    name, choice, types = word.partition("=")
    return tuple(name + kind for kind in types.split("|")) if choice else (name,)


TABLE = """\
Account: identifier status type name subject servicePeriod coverage owner description guarantor
  partOf
AllergyIntolerance: identifier clinicalStatus verificationStatus type category criticality code
  patient encounter onset=DateTime|Age|Period|Range|String recordedDate recorder asserter
  lastOccurrence note reaction
Appointment: identifier status cancelationReason serviceCategory serviceType specialty
  appointmentType reasonCode reasonReference priority description supportingInformation start end
  minutesDuration slot created comment patientInstruction basedOn participant requestedPeriod
AppointmentResponse: identifier appointment start end participantType actor participantStatus
  comment
Basic: identifier code subject created author
Binary: contentType securityContext data url
CarePlan: identifier instantiatesCanonical instantiatesUri basedOn replaces partOf status intent
  category title description subject encounter period created author contributor careTeam addresses
  supportingInfo goal activity note
CareTeam: identifier status category name subject encounter period participant reasonCode
  reasonReference managingOrganization telecom note
Claim: identifier status type subType use patient billablePeriod created enterer insurer provider
  priority fundsReserve related prescription originalPrescription payee referral facility careTeam
  supportingInfo diagnosis procedure insurance accident item total
ClinicalImpression: identifier status statusReason code description subject encounter
  effective=DateTime|Period date assessor previous problem investigation protocol summary finding
  prognosisCodeableConcept prognosisReference supportingInfo note
Communication: identifier instantiatesCanonical instantiatesUri basedOn partOf inResponseTo status
  statusReason category priority medium subject topic about encounter sent received recipient sender
  reasonCode reasonReference payload note
CommunicationRequest: identifier basedOn replaces groupIdentifier status statusReason category
  priority doNotPerform medium subject about encounter payload occurrence=DateTime|Period authoredOn
  requester recipient sender reasonCode reasonReference note
Composition: identifier status type category subject encounter date author title confidentiality
  attester custodian relatesTo event section
Condition: identifier clinicalStatus verificationStatus category severity code bodySite subject
  encounter onset=DateTime|Age|Period|Range|String abatement=DateTime|Age|Period|Range|String
  recordedDate recorder asserter stage evidence note
Consent: identifier status scope category patient dateTime performer organization
  source=Attachment|Reference policy policyRule verification provision
Contract: identifier url version status legalState instantiatesCanonical instantiatesUri
  contentDerivative issued applies expirationType subject authority domain site name title subtitle
  alias author scope topic=CodeableConcept|Reference type subType contentDefinition term
  supportingInfo relevantHistory signer friendly legal rule legallyBinding=Attachment|Reference
Coverage: identifier status type policyHolder subscriber subscriberId beneficiary dependent
  relationship period payor class order network costToBeneficiary subrogation contract
CoverageEligibilityRequest: identifier status priority purpose patient serviced=Date|Period created
  enterer provider insurer facility supportingInfo insurance item
DetectedIssue: identifier status code severity patient identified=DateTime|Period author implicated
  evidence detail reference mitigation
Device: identifier definition udiCarrier status statusReason distinctIdentifier manufacturer
  manufactureDate expirationDate lotNumber serialNumber deviceName modelNumber partNumber type
  specialization version property patient owner contact location url note safety parent
DeviceRequest: identifier instantiatesCanonical instantiatesUri basedOn priorRequest groupIdentifier
  status intent priority code=Reference|CodeableConcept parameter subject encounter
  occurrence=DateTime|Period|Timing authoredOn requester performerType performer reasonCode
  reasonReference insurance supportingInfo note relevantHistory
DeviceUseStatement: identifier basedOn status subject derivedFrom timing=Timing|Period|DateTime
  recordedOn source device reasonCode reasonReference bodySite note
DiagnosticReport: identifier basedOn status category code subject encounter
  effective=DateTime|Period issued performer resultsInterpreter specimen result imagingStudy media
  conclusion conclusionCode presentedForm
DocumentReference: masterIdentifier identifier status docStatus type category subject date author
  authenticator custodian relatesTo description securityLabel content context
Encounter: identifier status statusHistory class classHistory type serviceType priority subject
  episodeOfCare basedOn participant appointment period length reasonCode reasonReference diagnosis
  account hospitalization location serviceProvider partOf
Endpoint: identifier status connectionType name managingOrganization contact period payloadType
  payloadMimeType address header
EpisodeOfCare: identifier status statusHistory type diagnosis patient managingOrganization period
  referralRequest careManager team account
ExplanationOfBenefit: identifier status type subType use patient billablePeriod created enterer
  insurer provider priority fundsReserveRequested fundsReserve related prescription
  originalPrescription payee referral facility claim claimResponse outcome disposition preAuthRef
  preAuthRefPeriod careTeam supportingInfo diagnosis procedure precedence insurance accident item
  addItem adjudication total payment formCode form processNote benefitPeriod benefitBalance
FamilyMemberHistory: identifier instantiatesCanonical instantiatesUri status dataAbsentReason
  patient date name relationship sex born=Period|Date|String age=Age|Range|String estimatedAge
  deceased=Boolean|Age|Range|Date|String reasonCode reasonReference note condition
Flag: identifier status category code subject period encounter author
Goal: identifier lifecycleStatus achievementStatus category priority description subject
  start=Date|CodeableConcept target statusDate statusReason expressedBy addresses note outcomeCode
  outcomeReference
Group: identifier active type actual code name quantity managingEntity characteristic member
HealthcareService: identifier active providedBy offeredIn category type specialty location name
  comment extraDetails photo telecom coverageArea serviceProvisionCode eligibility program
  characteristic communication referralMethod appointmentRequired availableTime notAvailable
  availabilityExceptions endpoint
ImagingStudy: identifier status modality subject encounter started basedOn referrer interpreter
  endpoint numberOfSeries numberOfInstances procedureReference procedureCode location reasonCode
  reasonReference note description series
Immunization: identifier status statusReason vaccineCode patient encounter
  occurrence=DateTime|String recorded primarySource reportOrigin location manufacturer lotNumber
  expirationDate site route doseQuantity performer note reasonCode reasonReference isSubpotent
  subpotentReason education programEligibility fundingSource reaction protocolApplied
ImmunizationRecommendation: identifier patient date authority recommendation
InsurancePlan: identifier status type name alias period ownedBy administeredBy coverageArea contact
  endpoint network coverage plan
Invoice: identifier status cancelledReason type subject recipient date participant issuer account
  lineItem totalPriceComponent totalNet totalGross paymentTerms note
List: identifier status mode title code subject encounter date source orderedBy note entry
  emptyReason
Location: identifier status operationalStatus name alias description mode type telecom address
  physicalType position managingOrganization partOf hoursOfOperation availabilityExceptions endpoint
Media: identifier basedOn partOf status type modality view subject encounter created=DateTime|Period
  issued operator reasonCode bodySite deviceName device height width frames duration content note
Medication: identifier code status manufacturer form amount ingredient batch
MedicationAdministration: identifier instantiates partOf status statusReason category
  medication=CodeableConcept|Reference subject context supportingInformation
  effective=DateTime|Period performer reasonCode reasonReference request device note dosage
  eventHistory
MedicationDispense: identifier partOf status statusReason=CodeableConcept|Reference category
  medication=CodeableConcept|Reference subject context supportingInformation performer location
  authorizingPrescription type quantity daysSupply whenPrepared whenHandedOver destination receiver
  note dosageInstruction substitution detectedIssue eventHistory
MedicationKnowledge: code status manufacturer doseForm amount synonym relatedMedicationKnowledge
  associatedMedication productType monograph ingredient preparationInstruction intendedRoute cost
  monitoringProgram administrationGuidelines medicineClassification packaging drugCharacteristic
  contraindication regulatory kinetics
MedicationRequest: identifier status statusReason intent category priority doNotPerform
  reported=Boolean|Reference medication=CodeableConcept|Reference subject encounter
  supportingInformation authoredOn requester performer performerType recorder reasonCode
  reasonReference instantiatesCanonical instantiatesUri basedOn groupIdentifier courseOfTherapyType
  insurance note dosageInstruction dispenseRequest substitution priorPrescription detectedIssue
  eventHistory
MedicationStatement: identifier basedOn partOf status statusReason category
  medication=CodeableConcept|Reference subject context effective=DateTime|Period dateAsserted
  informationSource derivedFrom reasonCode reasonReference note dosage
NutritionOrder: identifier instantiatesCanonical instantiatesUri instantiates status intent patient
  encounter dateTime orderer allergyIntolerance foodPreferenceModifier excludeFoodModifier oralDiet
  supplement enteralFormula note
Observation: identifier basedOn partOf status category code subject focus encounter
  effective=DateTime|Period|Timing|Instant issued performer
  value=Quantity|CodeableConcept|String|Boolean|Integer|Range|Ratio|SampledData|Time|DateTime|Period
  dataAbsentReason interpretation note bodySite method specimen device referenceRange hasMember
  derivedFrom component
Organization: identifier active type name alias telecom address partOf contact endpoint
OrganizationAffiliation: identifier active period organization participatingOrganization network
  code specialty location healthcareService telecom endpoint
Patient: identifier active name telecom gender birthDate deceased=Boolean|DateTime address
  maritalStatus multipleBirth=Boolean|Integer photo contact communication generalPractitioner
  managingOrganization link
PaymentNotice: identifier status request response created provider payment paymentDate payee
  recipient amount paymentStatus
PaymentReconciliation: identifier status period created paymentIssuer request requestor outcome
  disposition paymentDate paymentAmount paymentIdentifier detail formCode processNote
Person: identifier name telecom gender birthDate address photo managingOrganization active link
Practitioner: identifier active name telecom address gender birthDate photo qualification
  communication
PractitionerRole: identifier active period practitioner organization code specialty location
  healthcareService telecom availableTime notAvailable availabilityExceptions endpoint
Procedure: identifier instantiatesCanonical instantiatesUri basedOn partOf status statusReason
  category code subject encounter performed=DateTime|Period|String|Age|Range recorder asserter
  performer location reasonCode reasonReference bodySite outcome report complication
  complicationDetail followUp note focalDevice usedReference usedCode
Provenance: target occurred=Period|DateTime recorded policy location reason activity agent entity
  signature
Questionnaire: url identifier version name title derivedFrom status experimental subjectType date
  publisher contact description useContext jurisdiction purpose copyright approvalDate
  lastReviewDate effectivePeriod code item
QuestionnaireResponse: identifier basedOn partOf questionnaire status subject encounter authored
  author source item
RelatedPerson: identifier active patient relationship name telecom gender birthDate address photo
  period communication
RequestGroup: identifier instantiatesCanonical instantiatesUri basedOn replaces groupIdentifier
  status intent priority code subject encounter authoredOn author reasonCode reasonReference note
  action
RiskAssessment: identifier basedOn parent status method code subject encounter
  occurrence=DateTime|Period condition performer reasonCode reasonReference basis prediction
  mitigation note
Schedule: identifier active serviceCategory serviceType specialty actor planningHorizon comment
ServiceRequest: identifier instantiatesCanonical instantiatesUri basedOn replaces requisition status
  intent category priority doNotPerform code orderDetail quantity=Quantity|Ratio|Range subject
  encounter occurrence=DateTime|Period|Timing asNeeded=Boolean|CodeableConcept authoredOn requester
  performerType performer locationCode locationReference reasonCode reasonReference insurance
  supportingInfo specimen bodySite note patientInstruction relevantHistory
Slot: identifier serviceCategory serviceType specialty appointmentType schedule status start end
  overbooked comment
Specimen: identifier accessionIdentifier status type subject receivedTime parent request collection
  processing container condition note
Substance: identifier status category code description instance ingredient
SupplyDelivery: identifier basedOn partOf status patient type suppliedItem
  occurrence=DateTime|Period|Timing supplier destination receiver
SupplyRequest: identifier status category priority item=CodeableConcept|Reference quantity parameter
  occurrence=DateTime|Period|Timing authoredOn requester supplier reasonCode reasonReference
  deliverFrom deliverTo
Task: identifier instantiatesCanonical instantiatesUri basedOn groupIdentifier partOf status
  statusReason businessStatus intent priority code description focus for encounter executionPeriod
  authoredOn lastModified requester performerType owner location reasonCode reasonReference
  insurance note relevantHistory restriction input output
VisionPrescription: identifier status created patient encounter dateWritten prescriber
  lensSpecification
"""
