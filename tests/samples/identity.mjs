import { createHmac, randomUUID } from "node:crypto";

export function identityOf(customer, { secret, tenant }) {
  const part = (json) => Buffer.from(JSON.stringify(json)).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  const claims = { sub: customer.id, name: customer.name, aud: tenant, iat: now, exp: now + 3600, jti: randomUUID() };
  const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}
