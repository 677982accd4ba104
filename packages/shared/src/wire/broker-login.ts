/**
 * What a broker's URL means to the NATS client, which takes credentials beside the address and ignores those in it.
 */

const BROKER_URL = /^(?:[a-z]+:\/\/)?(?:[^@/]*@)?(?:\[[0-9a-f:.]+\]|[^\s:/@[\]]+)(?::\d{1,5})?\/?$/i;

/** Whether a text names a broker, or several separated by commas, as the client understands it. */
export function isBrokerUrl(text: string): boolean {
  return text.split(',').every((url) => BROKER_URL.test(url.trim()));
}

/** Options of the client's `connect`. */
export interface BrokerLogin {
  readonly servers: string;
  readonly user?: string;
  readonly pass?: string;
  readonly token?: string;
}

/** Parts the URL of a broker; a user without a password is a token. */
export function brokerLogin(url: string): BrokerLogin {
  if (!URL.canParse(url)) return { servers: url };
  const { username, password, host } = new URL(url);
  const [user, pass] = [decodeURIComponent(username), decodeURIComponent(password)];
  if (user === '') return { servers: url };
  return pass === '' ? { servers: host, token: user } : { servers: host, user, pass };
}
