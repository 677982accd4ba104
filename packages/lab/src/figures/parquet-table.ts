/** A table as Parquet: 64-bit integers and floats, texts, and times in milliseconds. No more than a row group is in memory. */
import { renameSync, rmSync, statSync } from 'node:fs';
import { fileWriter, ParquetWriter, schemaFromColumnData, type ColumnSource } from 'hyparquet-writer';
import type { Column } from './figure-tables.js';
import { PART_SUFFIX, type TableFile } from './table-file.js';

const GROUP_ROWS = 10_000;

const PARQUET_TYPES = { integer: 'INT64', number: 'DOUBLE', text: 'STRING', time: 'TIMESTAMP' } as const;

export function openParquetTable<Row>(path: string, columns: readonly Column<Row>[]): TableFile<Row> {
  const part = path + PART_SUFFIX;
  const sourcesOf = (rows: readonly Row[]): ColumnSource[] =>
    columns.map((column) => ({
      name: column.name,
      type: PARQUET_TYPES[column.type],
      data: rows.map((row) => parquetValue(column, row)),
    }));
  const schema = schemaFromColumnData({ columnData: sourcesOf([]) });
  const writer = new ParquetWriter({ writer: fileWriter(part), schema, createdBy: 'facet' });
  let rows = 0;
  let group: Row[] = [];
  let isEnded = false;
  const flush = (): void => {
    if (group.length > 0) void writer.write({ columnData: sourcesOf(group), rowGroupSize: GROUP_ROWS });
    group = [];
  };
  return {
    add(row) {
      rows += 1;
      if (group.push(row) === GROUP_ROWS) flush();
    },
    end() {
      flush();
      void writer.finish();
      renameSync(part, path);
      isEnded = true;
      return { rows, bytes: statSync(path).size };
    },
    discard() {
      if (!isEnded) rmSync(part, { force: true });
    },
  };
}

function parquetValue<Row>({ type, of }: Column<Row>, row: Row): bigint | number | string | Date | undefined {
  const value = of(row);
  if (value === undefined) return undefined;
  if (type === 'integer') return BigInt(value);
  return type === 'time' ? new Date(value) : value;
}
