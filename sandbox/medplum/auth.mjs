/** OAuth2 client credentials: signed tokens, so that they outlive a restart of the server as the real ones do. */
import { createHmac, timingSafeEqual } from 'node:crypto';

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

function equal(a, b) {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

function basic(header) {
  const match = /^Basic (.+)$/iu.exec(header ?? '');
  if (!match) {
    return undefined;
  }
  const [id, ...secret] = Buffer.from(match[1], 'base64').toString('utf8').split(':');
  return { id, secret: secret.join(':') };
}

/** Issues and checks tokens of the known clients. */
export class Auth {
  /** @param {object} options `{clients, defaultClient, tokenLifetimeS, auth}` */
  constructor(options) {
    this.options = options;
    this.seen = new Map();
  }

  sign(text, secret) {
    return createHmac('sha256', secret).update(text).digest('base64url');
  }

  token(id) {
    const exp = Date.now() / 1000 + this.options.tokenLifetimeS;
    const text = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode({ client_id: id, exp })}`;
    return `${text}.${this.sign(text, this.options.clients.get(id))}`;
  }

  /**
   * Answers POST /oauth2/token.
   * @param {string} contentType @param {string} text the body @param {string | undefined} authorization
   * @returns {[number, object]} status and JSON
   */
  grant(contentType, text, authorization) {
    const refuse = (description) => [400, { error: 'invalid_request', error_description: description }];
    if (!contentType.startsWith('application/x-www-form-urlencoded')) {
      return refuse('Unsupported content type');
    }
    const form = new URLSearchParams(text);
    if (form.get('grant_type') !== 'client_credentials') {
      return refuse('Unsupported grant type');
    }
    const { id, secret } = basic(authorization) ?? { id: form.get('client_id'), secret: form.get('client_secret') };
    const expected = this.options.clients.get(id);
    if (expected === undefined) {
      return refuse('Invalid client');
    }
    if (!equal(expected, secret ?? '')) {
      return refuse('Invalid secret');
    }
    const token = this.token(id);
    const profile = { reference: `ClientApplication/${id}`, display: 'Embedded client' };
    return [200, {
      token_type: 'Bearer', expires_in: this.options.tokenLifetimeS, scope: 'openid', id_token: token,
      access_token: token, project: { reference: 'Project/7a6dfc9c-4f0e-4a9b-9c3c-2d1e8b0f4a11' }, profile,
      patient: undefined, encounter: undefined,
    }];
  }

  /** @returns {{id: string} | undefined} the client of a request, undefined when it must be answered 401 */
  client(authorization) {
    if (!this.options.auth) {
      return { id: this.options.defaultClient };
    }
    const pair = basic(authorization);
    if (pair) {
      const expected = this.options.clients.get(pair.id);
      return expected !== undefined && equal(expected, pair.secret) ? { id: pair.id } : undefined;
    }
    const token = /^Bearer (.+)$/iu.exec(authorization ?? '')?.[1];
    const known = token && (this.seen.get(token) ?? this.verify(token));
    return known && known.exp > Date.now() / 1000 ? { id: known.client_id } : undefined;
  }

  verify(token) {
    const [head, body, signature] = token.split('.');
    try {
      const claims = JSON.parse(Buffer.from(body, 'base64url').toString('utf8'));
      const secret = this.options.clients.get(claims.client_id);
      if (secret === undefined || !equal(this.sign(`${head}.${body}`, secret), signature)) {
        return undefined;
      }
      this.seen.set(token, claims);
      return claims;
    } catch {
      return undefined;
    }
  }
}
