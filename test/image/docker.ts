/**
 * `docker` for the guide's lines, where there is none: `node docker.ts CONFIGURATION compose …`. A service of the image
 * runs from the image's file tree, as its user; a command in `mysql` runs with the clients of the test's own server.
 * Servers run all the time, so starting and stopping them is nothing; `down --volumes` is what the test says.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';

const programSchema = z.object({
  environment: z.record(z.string(), z.string()),
  folder: z.string(),
  /** Undefined where the test itself runs as an ordinary user. */
  uid: z.number().optional(),
});
const configurationSchema = z.object({
  image: programSchema.extend({ root: z.string(), entrypoint: z.array(z.string()) }),
  mysql: programSchema,
  /** Commands of services, when they run without words. */
  commands: z.record(z.string(), z.array(z.string())),
  down: z.array(z.string()),
});
export type Configuration = z.infer<typeof configurationSchema>;

function run({ environment, folder, uid }: z.infer<typeof programSchema>, words: readonly string[]): number {
  const [program = '', ...args] = words;
  const user = uid === undefined ? {} : { uid, gid: uid };
  const { status, error } = spawnSync(program, args, { cwd: folder, env: environment, stdio: 'inherit', ...user });
  if (error) throw error;
  return status ?? 1;
}

function compose({ image, mysql, commands, down }: Configuration, [command = '', ...args]: readonly string[]): number {
  if (command === 'up' || command === 'stop') return 0;
  if (command === 'down') {
    if (args.join(' ') !== '--volumes') throw new Error(`down ${args.join(' ')}`);
    return run(mysql, down);
  }
  // Options end at the service's name; what follows is the command's own.
  const at = args.findIndex((word, index) => !word.startsWith('-') && args[index - 1] !== '--entrypoint');
  const { values } = parseArgs({
    args: args.slice(0, at),
    options: {
      rm: { type: 'boolean' },
      'no-TTY': { type: 'boolean', short: 'T' },
      'no-deps': { type: 'boolean' },
      entrypoint: { type: 'string' },
    },
  });
  const [service = '', ...words] = args.slice(at);
  if (command === 'exec') {
    if (service !== 'mysql') throw new Error(`exec in ${service}`);
    return run(mysql, words);
  }
  if (command !== 'run') throw new Error(`the test does not know: docker compose ${command}`);
  if (service === 'mysql-users') return run(mysql, commands[service] ?? []);
  // /data is a folder of the tree.
  const inTree = (words.length > 0 ? words : (commands[service] ?? [])).map((word) =>
    word === '/data' ? join(image.root, 'data') : word,
  );
  return run(image, [...(values.entrypoint === undefined ? image.entrypoint : [values.entrypoint]), ...inTree]);
}

const [configuration, program, ...words] = process.argv.slice(2);
if (program === 'compose') {
  process.exitCode = compose(configurationSchema.parse(JSON.parse(readFileSync(configuration ?? '', 'utf8'))), words);
}
