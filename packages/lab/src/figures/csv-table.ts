/** A table as CSV (RFC 4180): a header, lines that end with CR LF, and quotes where a field has a comma, a quote or a line end. */
import type { Column } from './figure-tables.js';
import { FileSink, type TableFile } from './table-file.js';

export function openCsvTable<Row>(path: string, columns: readonly Column<Row>[]): TableFile<Row> {
  const sink = new FileSink(path);
  const encoder = new TextEncoder();
  const write = (fields: readonly (number | string | undefined)[]): void => {
    sink.write(encoder.encode(`${fields.map(csvField).join(',')}\r\n`));
  };
  let rows = 0;
  write(columns.map(({ name }) => name));
  return {
    add(row) {
      write(columns.map(({ of }) => of(row)));
      rows += 1;
    },
    end: () => ({ rows, bytes: sink.end() }),
    discard() {
      sink.discard();
    },
  };
}

/** A number is written so that it reads back as the same double; what is unknown is empty. */
function csvField(value: number | string | undefined): string {
  const text = String(value ?? '');
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
