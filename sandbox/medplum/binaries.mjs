/** Binary content: raw bytes in and out, beside the Binary resource. */
import { created } from '@medplum/core';

/** Stores bytes. @returns {Promise<[object, object]>} outcome and Binary resource */
export async function writeRawBinary(repo, contentType, bytes) {
  const resource = await repo.createResource({ resourceType: 'Binary', contentType });
  repo.server.store.writeBinary(resource.id, contentType, bytes);
  return [created, resource];
}

/**
 * @returns {Promise<object | undefined>} the bytes of `Binary/<id>`, or undefined when the resource itself is asked for
 */
export async function readRawBinary(repo, url, accept) {
  const id = /^Binary\/([\w-]+)$/u.exec(url)?.[1];
  if (!id || accept.includes('application/fhir+json')) {
    return undefined;
  }
  const resource = await repo.readResource('Binary', id);
  const raw = repo.server.store.binaries.get(id);
  if (!raw && !resource.data) {
    return undefined;
  }
  const body = raw?.data ?? Buffer.from(resource.data, 'base64');
  return { status: 200, body, headers: { 'Content-Type': raw?.contentType ?? resource.contentType } };
}
