/** A chart over time, drawn by uPlot; its numbers are put in words to those who cannot see it. */
import 'uplot/dist/uPlot.min.css';
import { Box, useComputedColorScheme, useMantineTheme } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { useEffect, useRef } from 'react';
import UPlot from 'uplot';

export interface Series {
  readonly label: string;
  /** Of Mantine's colours. */
  readonly color: 'indigo' | 'teal' | 'red' | 'orange' | 'grape';
  readonly values: readonly (number | null)[];
  /** How a value is written. */
  readonly text: (value: number) => string;
  readonly bars?: boolean;
}

interface ChartProps {
  /** What it shows, in a sentence. */
  readonly label: string;
  /** Seconds since 1970. */
  readonly times: readonly number[];
  readonly series: readonly Series[];
  readonly height?: number;
}

const HEIGHT_PX = 220;
const BAR_SHARE = 0.6;
const MOST_BAR_PX = 40;
const AXIS_PX = 84;

export function Chart({ label, times, series, height = HEIGHT_PX }: ChartProps) {
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
    const chart = new UPlot(
      {
        width,
        height,
        legend: { show: true },
        cursor: { drag: { x: false, y: false } },
        scales: { x: { time: true }, y: { range: (_, __, most) => [0, most > 0 ? most * 1.1 : 1] } },
        axes: [
          { ...axis },
          { ...axis, size: AXIS_PX, values: (_, marks) => marks.map((mark) => first?.text(mark) ?? String(mark)) },
        ],
        series: [
          {},
          ...series.map(({ label: name, color, text, bars }): UPlot.Series => {
            const stroke = theme.colors[color][dark ? 4 : 7];
            const paths = bars ? UPlot.paths.bars?.({ size: [BAR_SHARE, MOST_BAR_PX] }) : undefined;
            return {
              ...{ label: name, stroke, width: 2, points: { show: times.length < 3 } },
              ...(bars ? { fill: `${stroke}99` } : {}),
              ...(paths === undefined ? {} : { paths }),
              value: (_, value) => (value === null ? '–' : text(value)),
            };
          }),
        ],
      },
      [[...times], ...series.map(({ values }) => [...values])],
      place.current,
    );
    return () => chart.destroy();
  }, [width, height, dark, theme, times, series]);
  return (
    <Box ref={ref} role="img" aria-label={label}>
      <div ref={place} aria-hidden />
    </Box>
  );
}
