/** Reading requests and writing answers. */
import { OperationOutcomeError, badRequest } from '@medplum/core';
import { gunzipSync } from 'node:zlib';

/** The server's maxJsonSize, measured after unpacking. */
export const MAX_JSON_BYTES = 1024 * 1024;
export const MAX_ASYNC_BYTES = 50 * 1024 * 1024;
const FHIR_JSON = 'application/fhir+json; charset=utf-8';

const unreadable = () => new OperationOutcomeError(badRequest('Content could not be parsed'));

/** @returns {Promise<Buffer>} the body as it was sent; read to its end, so that the connection can be used again */
export async function readBody(request) {
  const chunks = [];
  for await (const chunk of request) {
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** @returns {Buffer} the body unpacked. @throws {OperationOutcomeError} 400 when it is larger than `limit` */
export function unpack(raw, encoding, limit) {
  const tooLarge = () => new OperationOutcomeError(badRequest('File too large'));
  let bytes = raw;
  if (encoding === 'gzip') {
    try {
      bytes = gunzipSync(raw, { maxOutputLength: limit + 1 });
    } catch (error) {
      throw error.code === 'ERR_BUFFER_TOO_LARGE' ? tooLarge() : unreadable();
    }
  }
  if (bytes.length > limit) {
    throw tooLarge();
  }
  return bytes;
}

/** @returns {any} the parsed JSON or form, undefined without a body. @throws {OperationOutcomeError} 400 */
export function parseBody(bytes, contentType) {
  if (contentType.startsWith('application/x-www-form-urlencoded')) {
    return parseForm(bytes.toString('utf8'));
  }
  if (bytes.length === 0) {
    return undefined;
  }
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    throw unreadable();
  }
}

function parseForm(text) {
  const form = Object.create(null);
  for (const [name, value] of new URLSearchParams(text)) {
    form[name] = name in form ? [form[name], value].flat() : value;
  }
  return form;
}

/** Sends JSON, or nothing when `body` is undefined. */
export function send(response, status, body, headers = {}) {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(body === undefined ? '' : JSON.stringify(body));
  response.writeHead(status, { 'Content-Type': FHIR_JSON, 'Content-Length': bytes.length, ...headers });
  response.end(bytes);
}

/** @returns {object} ETag, Last-Modified and, for what was just created, Location */
export function headersOf(status, resource, baseUrl) {
  const { versionId, lastUpdated } = resource?.meta ?? {};
  if (!versionId || !resource.id) {
    return {};
  }
  const headers = { ETag: `W/"${versionId}"`, 'Last-Modified': new Date(lastUpdated).toUTCString() };
  if (status === 201) {
    headers.Location = `${baseUrl}fhir/R4/${resource.resourceType}/${resource.id}`;
  }
  return headers;
}
