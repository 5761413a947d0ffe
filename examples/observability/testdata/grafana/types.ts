// What dashboard.json must be, in the types that Grafana publishes. The test puts
// the dashboard behind this text and has the whole checked.
import type { Dashboard, Panel, RowPanel } from '@grafana/schema';
import type { Options as StatOptions } from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type { FieldConfig, Options as TimeSeriesOptions } from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

// JSON has the values of enumerations and not their names.
type Plain<T> =
  T extends string ? (string extends T ? string : `${T}`) :
  T extends number ? (number extends T ? number : `${T}` extends `${infer N extends number}` ? N : never) :
  T extends Array<infer U> ? Array<Plain<U>> :
  T extends object ? { [K in keyof T]: Plain<T[K]> } : T;

// A query of Prometheus: its type is in none of the packages.
interface Query {
  datasource: { type: 'prometheus'; uid: string };
  editorMode: 'code' | 'builder';
  expr: string;
  legendFormat: string;
  range?: boolean;
  instant?: boolean;
  format?: 'time_series' | 'table' | 'heatmap';
  refId: string;
}

type Of<P, O> = Omit<Plain<P>, 'options' | 'targets'> & { options: Plain<O>; targets: Query[] };

type Row = Plain<RowPanel>;
type Stat = Of<Panel<StatOptions>, StatOptions>;
type TimeSeries = Of<Panel<TimeSeriesOptions, FieldConfig>, TimeSeriesOptions>;
type Frame = Omit<Plain<Dashboard>, 'panels'>;

