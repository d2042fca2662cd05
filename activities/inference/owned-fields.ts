/** Which fields of a chat request a caller may set. Pure. */

/** The gateway's own: they decide who serves a call and how much it may cost, and are set in no way by a caller. */
export const GATEWAY_FIELDS: ReadonlySet<string> = new Set([
  'models',
  'route',
  'provider',
  'plugins',
  'best_of',
  'max_output_tokens',
]);

/** They can make a call dearer than its tokens, so they pass only to models whose record says that the price covers it. */
export const PRICED_FIELDS: readonly string[] = [
  'service_tier',
  'web_search_options',
  'enable_search',
  'search_options',
  'enable_code_interpreter',
  'thinking_budget',
  'modalities',
  'audio',
  'prediction',
  'size',
  'quality',
];

/** Parts of a message whose count cannot be bounded from what was sent. */
export const UNBOUNDED_PARTS: ReadonlySet<string> = new Set(['input_audio', 'audio_url', 'video_url', 'video', 'file']);
