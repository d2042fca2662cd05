/** OpenAI's Agents SDK, which speaks Responses unless told otherwise. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apiKey, baseURL, client, pixel, receivedTokens } from './gateway.js';

const { Agent, OpenAIProvider, Runner, setTracingDisabled, tool } = client('@openai/agents');
const { z } = client('zod');

// It would send what was said to OpenAI.
setTracingDisabled(true);
const runner = new Runner({ modelProvider: new OpenAIProvider({ apiKey, baseURL }) });
const noted = ({ rawResponses }) => {
  for (const { usage } of rawResponses) receivedTokens(usage.inputTokens, usage.outputTokens);
};
const agentOf = (fields = {}) => new Agent({ name: 'Guide', instructions: 'Be brief.', model: 'sim-chat', ...fields });
const asked = [];
const toolOf = (name) =>
  tool({
    ...{ name, description: `Tells of the ${name}`, parameters: z.object({ city: z.string() }) },
    execute: async ({ city }) => {
      asked.push([name, city]);
      return `the ${name} is fine`;
    },
  });
const tools = ['weather', 'tides'].map(toolOf);

test('a run: its final text', async () => {
  const result = await runner.run(agentOf(), 'Tell me about the sea.');
  assert.ok(result.finalOutput.length > 10);
  noted(result);
});

for (const [stream, model] of [false, true].flatMap((each) => [
  [each, 'sim-chat'],
  [each, 'sim-native'],
])) {
  test(`tools called side by side and gone on from, ${stream ? 'streamed' : 'whole'}, with ${model}`, async () => {
    asked.length = 0;
    const result = await runner.run(agentOf({ tools, model }), 'How are weather and tides?', { stream });
    if (stream) {
      let text = '';
      for await (const piece of result.toTextStream()) text += piece;
      await result.completed;
      assert.equal(text, result.finalOutput);
    }
    assert.deepEqual(
      asked.map(([name]) => name),
      ['weather', 'tides'],
    );
    assert.equal(result.finalOutput, 'The result is: the weather is fine the tides is fine');
    assert.equal(result.rawResponses.length, 2);
    noted(result);
  });
}

test('a conversation that the gateway keeps: only what is new is sent', async () => {
  const first = await runner.run(agentOf(), 'Tell me about the sea.');
  noted(first);
  const second = await runner.run(agentOf(), 'And the tides?', { previousResponseId: first.lastResponseId });
  const [before, after] = [first, second].map(({ rawResponses }) => rawResponses[0].usage.inputTokens);
  assert.ok(after > before);
  noted(second);
});

test('an output by its schema, a picture, thoughts, and another agent that takes over', async () => {
  const Person = z.object({ name: z.string(), age: z.number().int() });
  const person = await runner.run(agentOf({ outputType: Person }), 'Who?');
  Person.parse(person.finalOutput);
  noted(person);
  const image = `data:image/png;base64,${pixel.toString('base64')}`;
  const content = [
    { type: 'input_text', text: 'What is this?' },
    { type: 'input_image', image },
  ];
  const seen = await runner.run(agentOf({ model: 'sim-vision' }), [{ role: 'user', content }]);
  assert.match(seen.finalOutput, /^One image seen/);
  noted(seen);
  const thought = await runner.run(agentOf({ model: 'sim-thinking' }), 'Tell me about the sea.');
  assert.ok(thought.rawResponses[0].output.some(({ type }) => type === 'reasoning'));
  noted(thought);
  const expert = agentOf({ name: 'Expert' });
  const passed = await runner.run(agentOf({ handoffs: [expert] }), 'call transfer_to_Expert with {}');
  assert.equal(passed.lastAgent.name, 'Expert');
  noted(passed);
});

test('errors: their status and code', async () => {
  await assert.rejects(runner.run(agentOf({ model: 'no-such-model' }), 'hi'), { status: 404, code: 'model_not_found' });
});
