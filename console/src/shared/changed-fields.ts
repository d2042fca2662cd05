/** What a form sends of a row that is there already: the rest may have been changed by others since it was read. */
export function changedFields<Fields extends object>(before: Fields, after: Fields): Partial<Fields> {
  const changed: Partial<Fields> = { ...after };
  for (const name in changed) {
    if (JSON.stringify(before[name]) === JSON.stringify(after[name])) delete changed[name];
  }
  return changed;
}
