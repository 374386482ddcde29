export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** The samples of one metric in the Prometheus text format. */
export function samples(text: string, metric: string): readonly Sample[] {
  return text.split('\n').flatMap((line) => {
    if (!line.startsWith(`${metric}{`)) return [];
    const end = line.lastIndexOf('}');
    const labels: Record<string, string> = {};
    for (const [, name, value] of line.slice(metric.length + 1, end).matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)) {
      labels[name!] = value!.replaceAll(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c));
    }
    return [
      {
        labels,
        value: Number(
          line
            .slice(end + 1)
            .trim()
            .split(' ')[0],
        ),
      },
    ];
  });
}
