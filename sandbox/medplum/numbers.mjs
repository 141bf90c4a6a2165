/** Comparison of numbers in searches, by the precision that was asked for. */

/**
 * @param {number} value what is stored @param {string} operator a FHIR prefix @param {string} text what was asked for
 * @returns {boolean} `eq 80` means 79.5 to 80.5, as FHIR defines it; the other prefixes compare exactly
 */
export function compareNumber(value, operator, text) {
  const wanted = Number(text);
  const half = 0.5 * 10 ** -(text.split('.')[1]?.length ?? 0);
  switch (operator) {
    case 'gt': case 'sa': return value > wanted;
    case 'lt': case 'eb': return value < wanted;
    case 'ge': return value >= wanted;
    case 'le': return value <= wanted;
    case 'ne': return Math.abs(value - wanted) > half;
    case 'ap': return Math.abs(value - wanted) <= Math.abs(wanted) / 10;
    default: return Math.abs(value - wanted) <= half;
  }
}
