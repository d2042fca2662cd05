/** What a model says, as it means it: tables, lists and code. Without its HTML, and without asking other hosts for pictures. */
import { Anchor, Code, ScrollArea, Table, Typography } from '@mantine/core';
import { memo, useDeferredValue } from 'react';
import Markdown, { type Components } from 'react-markdown';
import remarkGfm from 'remark-gfm';

const PLUGINS = [remarkGfm];

const COMPONENTS: Components = {
  a: ({ href, children }) => (
    <Anchor href={href} target="_blank" rel="noreferrer">
      {children}
    </Anchor>
  ),
  img: ({ src, alt }) => (
    <Anchor href={typeof src === 'string' ? src : undefined} target="_blank" rel="noreferrer">
      {alt || src}
    </Anchor>
  ),
  // Those of the page stand above an answer.
  h1: 'h3',
  h2: 'h4',
  h3: 'h5',
  h4: 'h6',
  h5: 'h6',
  pre: ({ children }) => (
    <ScrollArea viewportProps={{ tabIndex: 0 }} type="auto">
      <pre>{children}</pre>
    </ScrollArea>
  ),
  code: ({ children, className }) => <Code className={className}>{children}</Code>,
  table: ({ children }) => (
    <Table.ScrollContainer minWidth={0} type="native" tabIndex={0}>
      <Table withTableBorder withColumnBorders w="auto">
        {children}
      </Table>
    </Table.ScrollContainer>
  ),
};

const Rendered = memo(function Rendered({ text }: { text: string }) {
  return (
    <Markdown remarkPlugins={PLUGINS} components={COMPONENTS}>
      {text}
    </Markdown>
  );
});

/** A long answer that still comes is not made anew for each of its pieces. */
export default function MarkdownText({ text }: { text: string }) {
  const shown = useDeferredValue(text);
  return (
    <Typography className="markdown">
      <Rendered text={shown} />
    </Typography>
  );
}
