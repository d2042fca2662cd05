/* global SwaggerUIBundle */

const dark = matchMedia('(prefers-color-scheme: dark)');
const followSystem = () => document.documentElement.classList.toggle('dark-mode', dark.matches);
followSystem();
dark.addEventListener('change', followSystem);

/** Swagger UI's own search looks at tags and paths only. @param tags Immutable.js: tag → { operations } */
function search(tags, phrase) {
  const words = phrase.toLowerCase().split(/\s+/);
  const fits = (tag, entry) => {
    const fields = ['operationId', 'summary', 'description'].map((field) => entry.getIn(['operation', field]) ?? '');
    const text = [tag, entry.get('method'), entry.get('path'), ...fields].join(' ').toLowerCase();
    return words.every((word) => text.includes(word));
  };
  return tags
    .map((group, tag) => group.update('operations', (entries) => entries.filter((entry) => fits(tag, entry))))
    .filter((group) => group.get('operations').size > 0);
}

SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#page',
  deepLinking: true,
  filter: true,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  // The badge would ask a server on the internet.
  validatorUrl: 'none',
  plugins: [() => ({ fn: { opsFilter: search } })],
  onComplete: () => document.querySelector('.operation-filter-input')?.setAttribute('placeholder', 'Search'),
});
