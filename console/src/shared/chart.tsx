/** A chart over time, drawn by uPlot; beside the last values in words, those of days stand in a table, too. */
import 'uplot/dist/uPlot.min.css';
import { Box, ScrollArea, Table, useComputedColorScheme, useMantineTheme } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import UPlot from 'uplot';
import { locale } from '../language/language.ts';

export interface Series {
  readonly label: string;
  /** Of Mantine's colours. */
  readonly color: 'indigo' | 'teal' | 'red' | 'orange' | 'grape';
  readonly values: readonly (number | null)[];
  /** How a value is written, at a tick of the axis too. */
  readonly text: (value: number) => string;
  /** The value at a time to its last digit, which a number may not have. */
  readonly exact?: (index: number) => string;
  readonly bars?: boolean;
}

interface ChartProps {
  /** What it shows, in a sentence. */
  readonly label: string;
  /** Seconds since 1970. */
  readonly times: readonly number[];
  /** A day begins at midnight UTC, wherever the viewer is. */
  readonly unit?: 'day' | 'second';
  readonly series: readonly Series[];
  readonly height: number;
}

const BAR_SHARE = 0.6;
const MOST_BAR_PX = 40;
const DIGIT_PX = 7.5;
const AXIS_GAP_PX = 24;
/** Between ticks of times, so that they do not touch on a phone. */
const TICK_PX = { day: 50, second: 100 };
const DAY_SECONDS = 86_400;
const DAYS_PX = 320;
/** Ticks of days are whole ones. */
const DAY_STEPS = [1, 2, 7, 14, 28].map((days) => days * DAY_SECONDS);

/** How a time is written: at a tick, and in the legend. */
function timeFormats(unit: 'day' | 'second', language: string) {
  const of = (options: Intl.DateTimeFormatOptions) => {
    const format = new Intl.DateTimeFormat(language, unit === 'day' ? { ...options, timeZone: 'UTC' } : options);
    return (seconds: number) => format.format(seconds * 1_000);
  };
  if (unit === 'day') return { tick: of({ month: 'numeric', day: 'numeric' }), whole: of({ dateStyle: 'medium' }) };
  return { tick: of({ timeStyle: 'medium' }), whole: of({ timeStyle: 'medium' }) };
}

/** What a series is at a time, in words. */
function textAt({ values, text, exact }: Series, index: number): string {
  const value = values[index];
  if (value === null || value === undefined) return '–';
  return exact?.(index) ?? text(value);
}

export default function Chart(props: ChartProps) {
  const { label, times, series, unit = 'second' } = props;
  const last = times.length - 1;
  const words = series.map((each) => `${each.label} ${textAt(each, last)}`);
  return (
    <>
      <Box role="img" aria-label={[label, ...words].join('. ')}>
        <Drawing {...props} />
      </Box>
      {unit === 'day' && <Days label={label} times={times} series={series} />}
    </>
  );
}

/** The newest first. */
function Days({ label, times, series }: Pick<ChartProps, 'label' | 'times' | 'series'>) {
  const { t } = useTranslation();
  const [isOpen, setOpen] = useState(false);
  const { whole } = timeFormats('day', locale());
  return (
    <details className="folded" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{t('overview.asTable')}</summary>
      {isOpen && (
        <ScrollArea.Autosize mah={DAYS_PX} viewportProps={{ tabIndex: 0, 'aria-label': label, role: 'region' }}>
          <Table aria-label={label} stickyHeader>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t('spend.group.day')}</Table.Th>
                {series.map((each) => (
                  <Table.Th key={each.label} ta="end">
                    {each.label}
                  </Table.Th>
                ))}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody className="numbers">
              {times
                .map((seconds, index) => (
                  <Table.Tr key={seconds}>
                    <Table.Td>{whole(seconds)}</Table.Td>
                    {series.map((each) => (
                      <Table.Td key={each.label} ta="end">
                        {textAt(each, index)}
                      </Table.Td>
                    ))}
                  </Table.Tr>
                ))
                .toReversed()}
            </Table.Tbody>
          </Table>
        </ScrollArea.Autosize>
      )}
    </details>
  );
}

function Drawing({ times, series, unit = 'second', height }: ChartProps) {
  const { t } = useTranslation();
  const { ref, width } = useElementSize();
  const place = useRef<HTMLDivElement>(null);
  const theme = useMantineTheme();
  const dark = useComputedColorScheme() === 'dark';
  useEffect(() => {
    if (place.current === null || width === 0) return undefined;
    const ink = dark ? theme.colors.dark[1] : theme.colors.gray[7];
    const grid = { stroke: dark ? theme.colors.dark[5] : theme.colors.gray[2], width: 1 };
    const axis = { stroke: ink, grid, ticks: grid };
    const [first] = series;
    const time = timeFormats(unit, locale());
    // While nothing is pointed at, the legend tells the last.
    const last = times.length - 1;
    const margin = unit === 'day' ? DAY_SECONDS / 2 : 0;
    const chart = new UPlot(
      {
        width,
        height,
        ...(unit === 'day' ? { tzDate: (seconds: number) => UPlot.tzDate(new Date(seconds * 1_000), 'Etc/UTC') } : {}),
        legend: { show: true },
        cursor: { drag: { x: false, y: false } },
        scales: {
          // The bars of the first and last day are whole.
          x: { time: true, range: (_, from, until) => [from - margin, until + margin] },
          y: { range: (_, __, most) => [0, most > 0 ? most * 1.1 : 1] },
        },
        axes: [
          {
            ...{ ...axis, space: TICK_PX[unit], values: (_: UPlot, marks: number[]) => marks.map(time.tick) },
            ...(unit === 'day' ? { incrs: DAY_STEPS } : {}),
          },
          {
            ...axis,
            size: (_, texts) => AXIS_GAP_PX + DIGIT_PX * Math.max(1, ...(texts ?? []).map(({ length }) => length)),
            values: (_, marks) => marks.map((mark) => first?.text(mark) ?? String(mark)),
          },
        ],
        series: [
          {
            label: t(unit === 'day' ? 'spend.group.day' : 'field.time'),
            value: (_, __, ___, index) => time.whole(times[index ?? last] ?? 0),
          },
          ...series.map((each): UPlot.Series => {
            const { label, color, bars } = each;
            const stroke = theme.colors[color][dark ? 4 : 7];
            const paths = bars ? UPlot.paths.bars?.({ size: [BAR_SHARE, MOST_BAR_PX] }) : undefined;
            return {
              ...{ label, stroke, width: 2, points: { show: times.length < 3 } },
              ...(bars ? { fill: `${stroke}99` } : {}),
              ...(paths === undefined ? {} : { paths }),
              value: (_, __, ___, index) => textAt(each, index ?? last),
            };
          }),
        ],
      },
      [[...times], ...series.map(({ values }) => [...values])],
      place.current,
    );
    return () => chart.destroy();
  }, [width, height, dark, theme, times, series, unit, t]);
  return (
    <Box ref={ref}>
      <div ref={place} aria-hidden />
    </Box>
  );
}
