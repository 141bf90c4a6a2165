/** The values a search parameter sees in a resource. */
import { evalFhirPathTyped, getExpressionForResourceType, toTypedValue } from '@medplum/core';

const expressions = new Map();

/** @returns {object[]} the typed values of a search parameter in a resource */
export function valuesOf(resource, param) {
  const key = `${resource.resourceType}?${param.code}`;
  let expression = expressions.get(key);
  if (expression === undefined) {
    expression = getExpressionForResourceType(resource.resourceType, param.expression) ?? param.expression;
    expressions.set(key, expression);
  }
  return evalFhirPathTyped(expression, [toTypedValue(resource)]);
}
