// Logging in with a name and password, where the server has users.
import { Problem } from "./problem.js";

const LASTS_S = 7 * 24 * 3600;
const MAY = ["read:metadata", "read:data"];

/** Who may let one in besides a key, as the server tells without one. */
export async function providersOf(server) {
  try {
    const about = await fetch(server.url(""), { cache: "no-store" });
    return (await about.json()).authentication?.providers ?? [];
  } catch {
    return [];
  }
}

/** Exchange a password for a key of this tab's own, which may only read. */
export async function logIn(server, provider, username, password) {
  const tokens = await post(provider.links.auth_endpoint, new URLSearchParams({ username, password }));
  const wanted = JSON.stringify({ expires_in: LASTS_S, scopes: MAY, note: "web viewer" });
  const headers = { Authorization: `Bearer ${tokens.access_token}`, "Content-Type": "application/json" };
  return (await post(server.url("auth/apikey"), wanted, headers)).secret;
}

async function post(address, body, headers = {}) {
  let response;
  try {
    response = await fetch(address, { method: "POST", body, headers, credentials: "omit" });
  } catch {
    throw new Problem("away", "The server does not answer.");
  }
  if (response.status === 401) throw new Problem("unauthorized", "The server does not accept this name and password.");
  if (!response.ok) throw new Problem("refused", `The server refuses to log in with ${response.status}.`);
  return await response.json();
}
