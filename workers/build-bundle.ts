/** `node workers/build-bundle.ts`: builds the workflows' bundles ahead of the first start, for telemetry off and on. */
import { workflowBundlePath } from './bundle.ts';

for (const traced of [false, true]) console.log(await workflowBundlePath(traced));
