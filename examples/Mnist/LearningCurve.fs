/// Draws how a loss fell or an accuracy rose, as an SVG file that any browser shows and that prints well in grey.
module LearningCurve

open System
open System.Globalization
open System.IO
open System.Security
open System.Text
open System.Xml

let private width, height = 760.0, 440.0
let private left, top, bottom = 72.0, 48.0, 44.0
/// More points than this on one line are more than the picture has columns.
let private mostPoints = 700

/// Colours and dashes; neighbours differ in lightness too, for grey print.
let private styles = [| "#08306b", ""; "#d95f02", ""; "#74c2a5", ""; "#7a0177", "7 3"; "#b8860b", "7 3"; "#74a9cf", "2 3" |]

let private number (value: float) = value.ToString("0.##", CultureInfo.InvariantCulture)

/// The round step, 1, 2 or 5 times a power of ten, that cuts a span into about so many parts.
let private niceStep (span: float) (parts: float) =
    let rough = span / parts
    let power = Math.Pow(10.0, Math.Floor(Math.Log10 rough))

    [ 1.0; 2.0; 5.0; 10.0 ] |> List.map ((*) power) |> List.find (fun step -> step >= rough * 0.999)

/// An axis: its ends, which are ticks, and its ticks with their labels.
type private Axis = { Low: float; High: float; Ticks: (float * string) list }

/// The least and the greatest, apart from each other even if there is only one value or none.
let private ends (values: float list) =
    match values with
    | [] -> 0.0, 1.0
    | _ ->
        let least, most = List.min values, List.max values

        let room =
            if most > least then 0.0
            elif least = 0.0 then 1.0
            else 0.1 * abs least

        least - room, most + room

let private axis (parts: float) (values: float list) =
    let least, most = ends values
    let step = niceStep (most - least) parts
    let first = Math.Floor(least / step + 1e-9)
    let last = Math.Ceiling(most / step - 1e-9)
    let decimals = int (max 0.0 (-(Math.Floor(Math.Log10 step + 1e-9))))
    let farthest = step * max (abs first) (abs last)

    let label (value: float) =
        if abs value < step * 1e-6 then "0"
        elif decimals > 6 || farthest >= 1e6 then value.ToString("0.###e+0", CultureInfo.InvariantCulture)
        else value.ToString($"N{decimals}", CultureInfo.InvariantCulture).Replace(",", "\u202f")

    { Low = first * step
      High = last * step
      Ticks =
        [ for i in 0 .. int (last - first) do
              let value = (first + float i) * step
              value, label value ] }

let private isFinite (x: float, y: float) = Double.IsFinite x && Double.IsFinite y

/// At most so many points: of each stretch the lowest and the highest in their order, so that no spike is lost.
let private thin (most: int) (points: (float * float)[]) =
    let stretches = most / 2

    let shape stretch =
        match Array.filter isFinite stretch with
        | [||] -> [| stretch[0] |]
        | finite -> [| Array.minBy snd finite; Array.maxBy snd finite |] |> Array.sortBy fst |> Array.distinct

    if points.Length <= most then
        points
    else
        [| for i in 0 .. stretches - 1 do
               let first, next = i * points.Length / stretches, (i + 1) * points.Length / stretches
               yield! shape points[first .. next - 1] |]

/// What XML cannot hold even escaped is left out.
let private escaped (content: string) =
    content
    |> String.filter (fun letter -> XmlConvert.IsXmlChar letter || Char.IsSurrogate letter)
    |> SecurityElement.Escape

let private text (x: float) (y: float) (attributes: string) (content: string) =
    $"""  <text x="{number x}" y="{number y}" {attributes}>{escaped content}</text>"""

let private line x1 y1 x2 y2 (attributes: string) =
    $"""  <line x1="{number x1}" y1="{number y1}" x2="{number x2}" y2="{number y2}" {attributes}/>"""

/// The frame of the picture: grid, ticks and labels.
let private frame (edge: float) (horizontal: Axis) (vertical: Axis) toX toY =
    [ for value, label in vertical.Ticks do
          line left (toY value) edge (toY value) "stroke=\"#ddd\""
          text (left - 8.0) (toY value + 4.0) "text-anchor=\"end\"" label
      for value, label in horizontal.Ticks do
          line (toX value) (height - bottom) (toX value) (height - bottom + 5.0) "stroke=\"#333\""
          text (toX value) (height - bottom + 20.0) "text-anchor=\"middle\"" label
      line left (height - bottom) edge (height - bottom) "stroke=\"#333\""
      line left top left (height - bottom) "stroke=\"#333\"" ]

let private stroke i =
    let colour, dashes = styles[i % styles.Length]

    let dashed = if dashes = "" then "" else $" stroke-dasharray=\"{dashes}\""

    $"fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.4\" stroke-linejoin=\"round\" stroke-linecap=\"round\"{dashed}"

/// One line of the picture; a point that is not finite leaves a gap, a point alone is a dash.
let private curve toX toY i (points: (float * float) list) =
    let path = StringBuilder()
    let mutable drawing = false

    for x, y in points |> Array.ofList |> thin mostPoints do
        let place () = $"{number (toX x)} {number (toY y)}"

        if not (isFinite (x, y)) then
            drawing <- false
        elif drawing then
            path.Append('L').Append(place ()) |> ignore
        else
            path.Append('M').Append(place ()).Append("m-1 0h2m-1 0") |> ignore
            drawing <- true

    $"""  <path d="{path}" {stroke i}/>"""

/// The names beside the picture, where no curve runs.
let private legend (x: float) (names: string list) =
    [ for i, name in List.indexed names do
          let y = top + 14.0 + 18.0 * float i
          line x (y - 4.0) (x + 26.0) (y - 4.0) (stroke i)
          text (x + 32.0) y "" name ]

/// Writes an SVG picture of named curves, each a list of points (x, y), to a file.
/// Points that are not finite are left out; of thousands of points those that shape the picture are kept.
let write (path: string) (title: string) (series: (string * (float * float) list) list) =
    let names = List.map fst series

    let longest = names |> List.map String.length |> List.fold max 0
    let right = 60.0 + 8.0 * float (min 36 longest)
    let edge = width - right
    let finite = series |> List.collect snd |> List.filter isFinite

    let horizontal, vertical = axis 7.0 (List.map fst finite), axis 6.0 (List.map snd finite)

    let scale low high first last value = first + (value - low) / (high - low) * (last - first)

    let toX = scale horizontal.Low horizontal.High left edge
    let toY = scale vertical.Low vertical.High (height - bottom) top

    let lines =
        [ $"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {number width} {number height}" """
          + "font-family=\"sans-serif\" font-size=\"12\" fill=\"#222\">"
          $"""  <rect width="{number width}" height="{number height}" fill="white"/>"""
          text ((left + edge) / 2.0) 28.0 "text-anchor=\"middle\" font-size=\"16\"" title
          yield! frame edge horizontal vertical toX toY
          yield! series |> List.mapi (fun i (_, points) -> curve toX toY i points)
          yield! legend (edge + 14.0) names
          "</svg>" ]

    File.WriteAllText(path, String.concat "\n" lines + "\n")
