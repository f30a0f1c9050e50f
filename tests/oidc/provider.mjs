// An OpenID Connect provider for the tests: the package oidc-provider, with a plain login page, and a second server
// through which a test makes it lie. Both listen on this machine only.
//
//   node provider.mjs NODE_MODULES
//
// prints `issuer URL` and `control URL`. What the control server takes is at the end of this file.
import { createServer } from 'node:http';
import { randomUUID } from 'node:crypto';
import { pathToFileURL } from 'node:url';

const modules = pathToFileURL(`${process.argv[2]}/`);
const { default: Provider } = await import(new URL('oidc-provider/lib/index.js', modules));
const { createMemoryAdapter } = await import(new URL('oidc-provider/lib/adapters/memory_adapter.js', modules));
const jose = await import(new URL('jose/dist/webapi/index.js', modules));

const EVENT = 'http://schemas.openid.net/event/backchannel-logout';
const adapter = createMemoryAdapter();
const state = {
  keys: [await newKey()],
  client: { client_id: 'fairlease', client_secret: 'a-secret-of-the-tests-which-is-long-enough' },
  accounts: new Map(),
  claimsInToken: false,
  fault: null,
};

async function newKey() {
  const { privateKey } = await jose.generateKeyPair('RS256', { extractable: true });
  return { ...(await jose.exportJWK(privateKey)), kid: randomUUID(), alg: 'RS256', use: 'sig' };
}

const listening = (server, port) =>
  new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve(server.address().port)));

let provider;
const main = createServer((request, response) => answer(request, response));
const port = await listening(main, 0);
const issuer = `http://127.0.0.1:${port}`;

// The same provider with other keys, clients or ways: what it has stored is kept.
function renew() {
  provider = new Provider(issuer, {
    adapter,
    clients: [state.client],
    jwks: { keys: state.keys },
    cookies: { keys: ['the tests'] },
    claims: { openid: ['sub'], profile: ['name', 'preferred_username', 'groups'], email: ['email', 'email_verified'] },
    conformIdTokenClaims: !state.claimsInToken,
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: {
        logoutSource: (ctx, form) => {
          const yes = '<button type="submit" form="op.logoutForm" name="logout" value="yes">Sign me out everywhere</button>';
          ctx.body = page('Sign out', form + yes);
        },
        postLogoutSuccessSource: (ctx) => { ctx.body = page('Signed out', 'You are signed out of the provider.'); },
      },
    },
    interactions: { url: (_, interaction) => `/login/${interaction.uid}` },
    findAccount: (_, accountId) => ({
      accountId,
      claims: async () => ({ sub: accountId, ...state.accounts.get(accountId) }),
    }),
    async loadExistingGrant(ctx) {
      const { Grant } = ctx.oidc.provider;
      const { clientId } = ctx.oidc.client;
      const before = ctx.oidc.session.grantIdFor(clientId);
      if (before) return Grant.find(before);
      const grant = new Grant({ clientId, accountId: ctx.oidc.session.accountId });
      grant.addOIDCScope('openid profile email');
      await grant.save();
      return grant;
    },
    ttl: { Interaction: 3600, Session: 86400, Grant: 86400, AccessToken: 3600, IdToken: 3600, AuthorizationCode: 60 },
    // By itself it reaches no address of this machine.
    fetch: (url, { method, headers, body, redirect }) => fetch(url, { method, headers, body, redirect }),
  });
  provider.use(async (ctx, next) => {
    await next();
    const { fault } = state;
    if (ctx.path === '/token' && fault && ctx.body?.id_token) {
      state.fault = null;
      ctx.body = { ...ctx.body, id_token: await tampered(ctx.body.id_token, fault) };
    }
  });
}

const page = (title, body) => `<!doctype html><html lang="en"><title>${title}</title>${body}</html>`;
const form = (uid) => page('Sign in', `<form method="post" action="/login/${uid}">
<label for="login">Login</label> <input id="login" name="login" autofocus>
<button name="do" value="login">Continue</button> <button name="do" value="cancel">Cancel</button></form>`);

async function answer(request, response) {
  const uid = request.url.match(/^\/login\/([\w-]+)$/)?.[1];
  if (!uid) return provider.callback()(request, response);
  if (request.method === 'GET') return response.setHeader('content-type', 'text/html').end(form(uid));
  const fields = new URLSearchParams(await text(request));
  const login = [...state.accounts].find(([, claims]) => claims.login === fields.get('login'));
  const result = fields.get('do') === 'cancel' || !login
    ? { error: 'access_denied', error_description: '<b>changed their mind</b>' }
    : { login: { accountId: login[0] } };
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}

async function text(request) {
  let all = '';
  for await (const part of request) all += part;
  return all;
}

async function signed(claims, header = {}, key = state.keys[0]) {
  return new jose.SignJWT(claims)
    .setProtectedHeader({ alg: 'RS256', kid: state.keys[0].kid, ...header })
    .sign(await jose.importJWK(key, 'RS256'));
}

const secret = () => new TextEncoder().encode(state.client.client_secret);
const hmac = (claims, header) => new jose.SignJWT(claims).setProtectedHeader({ alg: 'HS256', ...header }).sign(secret());
const base64 = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const unsigned = (claims, header) => `${base64({ alg: 'none', ...header })}.${base64(claims)}.`;

// `claims` are changed as the fault says (null takes one away; a number in `from_now` is seconds from now), and signed
// by the provider's own key unless the fault is about that.
async function tampered(token, { claims = {}, from_now = {}, sign = 'right' }, header = {}) {
  const now = Math.floor(Date.now() / 1000);
  const changed = { ...jose.decodeJwt(token), ...claims };
  for (const [name, seconds] of Object.entries(from_now)) changed[name] = now + seconds;
  for (const [name, value] of Object.entries(changed)) if (value === null) delete changed[name];
  switch (sign) {
    case 'right': return signed(changed, header);
    case 'another key': return signed(changed, header, await newKey());
    case 'unknown key': return signed(changed, { ...header, kid: 'unknown' }, await newKey());
    case 'broken': return broken(await signed(changed, header));
    case 'changed after': return changedAfter(await signed(changed, header));
    case 'none': return unsigned(changed, header);
    case 'HS256': return hmac(changed, header);
    default: throw new Error(`no way to sign: ${sign}`);
  }
}

function broken(token) {
  const at = token.lastIndexOf('.') + 10;
  return token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1);
}

function changedAfter(token) {
  const [header, , signature] = token.split('.');
  return `${header}.${base64({ ...jose.decodeJwt(token), name: 'Someone Else' })}.${signature}`;
}

const control = {
  // What the next token has wrong.
  async fault(fault) { state.fault = fault; },
  // New keys; the old ones are gone.
  async rotate() { state.keys = [await newKey()]; renew(); },
  // The client's addresses.
  async client(more) { Object.assign(state.client, more); renew(); },
  // Who can sign in: subject, then claims, one of which is what they type.
  async account({ sub, ...claims }) { state.accounts.set(sub, claims); },
  // Whether claims are in the token, or only to be asked for.
  async claims_in_token({ on }) { state.claimsInToken = on; renew(); },
  // A statement that a session has ended.
  async logout_token({ fault = {}, header = {}, ...claims }) {
    const now = Math.floor(Date.now() / 1000);
    const right = { iss: issuer, aud: state.client.client_id, iat: now, exp: now + 120, jti: randomUUID(), events: { [EVENT]: {} } };
    return tampered(unsigned({ ...right, ...claims }), fault, { typ: 'logout+jwt', ...header });
  },
  async down() { main.closeAllConnections(); await new Promise((resolve) => main.close(resolve)); },
  async up() { await listening(main, port); },
};

const controller = createServer(async (request, response) => {
  try {
    const result = await control[request.url.slice(1)](JSON.parse(await text(request)));
    response.end(result ?? '');
  } catch (error) {
    response.writeHead(500).end(String(error.stack));
  }
});

renew();
console.log(`issuer ${issuer}`);
console.log(`control http://127.0.0.1:${await listening(controller, 0)}`);
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));
