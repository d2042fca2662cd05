/** A browser for tests: the machine's own, or Debian's packages unpacked into the cache. */
import { join } from 'node:path';
import { debianPackages } from './debian.ts';
import { cacheFolder, programFolders } from './environment.ts';
import { type Fetchable, findProgram, type Installation, obtainPart, planPart, type SourcesOfPart } from './sources.ts';

const UNPACKED = debianPackages({
  name: 'chromium',
  packages: ['chromium', 'fontconfig-config', 'fonts-dejavu-core', 'fonts-wqy-zenhei'],
  size: 'about 130 MB',
  programs: { chromium: 'usr/lib/chromium/chromium' },
  probe: 'chromium',
});

/** Fonts and their settings are looked up at absolute paths otherwise. */
const withFonts: Fetchable = {
  ...UNPACKED,
  installation: (folder) => {
    const { environment, ...rest } = UNPACKED.installation(folder);
    const fonts = { FONTCONFIG_PATH: join(folder, 'etc/fonts'), XDG_DATA_HOME: join(folder, 'usr/share') };
    return { ...rest, environment: { ...environment, ...fonts } };
  },
};

const CHROMIUM: SourcesOfPart = {
  title: 'Chromium',
  onPath: async (folders) => {
    const chromium = findProgram(['chromium', 'chromium-browser', 'google-chrome'], folders);
    return chromium ? { origin: chromium, programs: { chromium }, environment: {} } : undefined;
  },
  fetchables: [withFonts],
  install: {
    packages: { debian: 'chromium', fedora: 'chromium', arch: 'chromium', suse: 'chromium', macos: '--cask chromium' },
    program: 'Chromium',
  },
};

/** @throws {PartUnavailable} where there is none and none can be fetched. */
export async function obtainChromium(report: (text: string) => void, signal: AbortSignal): Promise<Installation> {
  const options = { folders: programFolders(), cache: cacheFolder(), report, tick: () => undefined, signal };
  const { installation } = await obtainPart(CHROMIUM, await planPart(CHROMIUM, options), options);
  return installation;
}
