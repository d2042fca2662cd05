/** Servers built from the pinned Go module in devstack/go. Slow once, then in the cache. */
import { join } from 'node:path';
import { execa } from 'execa';
import { programFolders } from './environment.ts';
import { type Fetchable, findProgram, type WorkContext } from './sources.ts';

const MODULE_FOLDER = join(import.meta.dirname, 'go');

/** One line of `go build -v` or of a module download, counted and said from time to time. */
function countLines(context: WorkContext): (line: string) => void {
  let downloads = 0;
  let packages = 0;
  return (line) => {
    if (line.startsWith('go: downloading ')) downloads += 1;
    else if (!line.startsWith('go: ')) packages += 1;
    context.tick(packages > 0 ? `compiling, ${packages} packages done` : `fetching modules, ${downloads} so far`);
  };
}

export function goBuild(options: {
  name: string;
  version: string;
  package: string;
  flags?: readonly string[];
  size: string;
  time: string;
  /** Arguments that make the program answer and end, to see that it works. */
  probe?: readonly string[];
}): Fetchable {
  const program = (folder: string) => join(folder, options.name);
  return {
    label: `a Go build of ${options.name} ${options.version}`,
    entry: { name: `${options.name}-go`, version: `${options.version}-${process.platform}-${process.arch}` },
    size: options.size,
    time: options.time,
    obstacle: goObstacle,
    build: async (folder, context) => {
      const go = findProgram(['go'], goFolders()) ?? 'go';
      const flags = ['-mod=readonly', '-buildvcs=false', '-ldflags=-s -w', ...(options.flags ?? [])];
      const running = execa(go, ['build', '-v', ...flags, '-o', program(folder), options.package], {
        cwd: MODULE_FOLDER,
        stdin: 'ignore',
        stdout: 'ignore',
        // Some distributions forbid it to fetch the version that the module asks for.
        env: { GOTOOLCHAIN: 'auto' },
        cancelSignal: context.signal,
        // go ends its compilers on SIGINT only.
        killSignal: 'SIGINT',
      });
      const onLine = countLines(context);
      for await (const line of running.iterable({ from: 'stderr' })) onLine(line);
      await running;
      if (options.probe) await execa(program(folder), options.probe, { timeout: 20_000 });
    },
    installation: (folder) => ({
      origin: `built with Go, in ${folder}`,
      programs: { [options.name]: program(folder) },
      environment: {},
    }),
  };
}

/** From this version on Go fetches a newer version of itself if a module needs it. */
const OLDEST_GO_MINOR = 21;

async function goObstacle(): Promise<string | undefined> {
  const go = findProgram(['go'], goFolders());
  if (go === undefined) return 'no go command';
  const { stdout } = await execa(go, ['version'], { reject: false });
  const [version = '', minor = ''] = /go1\.(\d+)/.exec(stdout ?? '') ?? [];
  return Number(minor) >= OLDEST_GO_MINOR ? undefined : `${go} is ${version || 'of unknown version'}, older than 1.21`;
}

function goFolders(): string[] {
  return [...programFolders(), '/usr/local/go/bin'];
}
