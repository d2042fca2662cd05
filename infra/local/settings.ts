/** The settings under which `npm start` runs the product. */
import { environmentSchema } from '../config.ts';
import { dotEnvVariables, shellVariables, type Variables } from './environment.ts';

/**
 * What the user set: the product's settings in the shell, and over them the checkout's .env. NODE_ENV of a shell is
 * often set for other programs and does not count.
 */
export function userSettings(checkout: string): Variables {
  const known = new Set(Object.keys(environmentSchema.shape).filter((name) => name !== 'NODE_ENV'));
  const shell = Object.entries(shellVariables()).filter(([name]) => known.has(name));
  return { ...Object.fromEntries(shell), ...dotEnvVariables(checkout) };
}

/** Addresses of our own processes, as chosen by the launcher. */
export interface ServicePorts {
  readonly api: number;
  readonly simulator: number;
}

/** The product's settings for local use: loopback only, the simulator as provider, orders payable by their owner. */
export function localSettings(options: {
  ports: ServicePorts;
  secrets: Variables;
  user: Variables;
  servers: Variables;
}): Variables {
  const { ports, secrets, user, servers } = options;
  const simulator = `127.0.0.1:${ports.simulator}`;
  return {
    NODE_ENV: 'development',
    HOST: '127.0.0.1',
    PUBLIC_URL: `http://localhost:${ports.api}`,
    PAYMENT_SANDBOX: 'true',
    SIMULATOR_URL: `http://${simulator}`,
    OUTBOUND_PRIVATE_HOSTS: simulator,
    SHUTDOWN_GRACE: '5s',
    ...secrets,
    ...user,
    // Last: a password in .env without an address belongs to no server of ours.
    ...servers,
  };
}
