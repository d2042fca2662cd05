/**
 * What a model says, as it means it: tables, lists and code. Without its HTML, without asking other hosts for pictures, and
 * in pieces: a long answer that still comes is not made anew for each of its words.
 */
import { Anchor, Code, ScrollArea, Table, Text, Typography } from '@mantine/core';
import { Component, memo, type ReactNode, useDeferredValue } from 'react';
import Markdown, { type Components } from 'react-markdown';
import remarkGfm from 'remark-gfm';
import { type Block, blocksOf } from './markdown-blocks.ts';

const PLUGINS = [remarkGfm];
/** Of another page. What leads elsewhere, or nowhere, is text. */
const ADDRESS = /^(https?|mailto):/i;

function Link({ address, children }: { address: unknown; children: ReactNode }) {
  if (typeof address !== 'string' || !ADDRESS.test(address)) return children;
  return (
    <Anchor underline="always" href={address} target="_blank" rel="noreferrer">
      {children}
    </Anchor>
  );
}

const COMPONENTS: Components = {
  a: ({ href, children }) => <Link address={href}>{children}</Link>,
  img: ({ src, alt }) => <Link address={src}>{alt || src}</Link>,
  input: ({ checked }) => (checked ? '☑ ' : '☐ '),
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

/** A piece that cannot be shown does not take the page, and what was paid for, with it. */
class OrPlain extends Component<
  { readonly text: string; readonly children: ReactNode },
  { readonly isPlain: boolean }
> {
  override state = { isPlain: false };

  static getDerivedStateFromError() {
    return { isPlain: true };
  }

  override render() {
    return this.state.isPlain ? <Plain text={this.props.text} /> : this.props.children;
  }
}

function Plain({ text }: { text: string }) {
  return <Text className="spoken">{text}</Text>;
}

const Piece = memo(function Piece({ text, isPlain }: Block) {
  if (isPlain) return <Plain text={text} />;
  return (
    <OrPlain text={text}>
      <Markdown remarkPlugins={PLUGINS} components={COMPONENTS}>
        {text}
      </Markdown>
    </OrPlain>
  );
});

export default function MarkdownText({ text }: { text: string }) {
  const shown = useDeferredValue(text);
  return (
    <Typography className="markdown">
      {blocksOf(shown).map((block, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a piece is known by its place
        <Piece key={place} {...block} />
      ))}
    </Typography>
  );
}
