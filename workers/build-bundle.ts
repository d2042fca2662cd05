/** `node workers/build-bundle.ts`: builds the workflows' bundle ahead of the first start. */
import { workflowBundlePath } from './bundle.ts';

console.log(await workflowBundlePath());
