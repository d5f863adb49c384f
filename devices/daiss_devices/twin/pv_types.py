"""Types of areaDetector PVs that the client classes leave open.

From the database templates of ADCore 3: used when the table is generated.
"""

_YES_NO = ["No", "Yes"]

ENUMS = {
    "AutoIncrement": _YES_NO,
    "AutoSave": _YES_NO,
    "BlockingCallbacks": _YES_NO,
    "DeleteDriverFile": _YES_NO,
    "LazyOpen": _YES_NO,
    "ReverseX": _YES_NO,
    "ReverseY": _YES_NO,
    "StoreAttr": _YES_NO,
    "StorePerform": _YES_NO,
    "WaitForPlugins": _YES_NO,
    "ImageMode": ["Single", "Multiple", "Continuous"],
    "TriggerMode": ["Internal", "External"],
    "FrameType": ["Normal", "Background", "FlatField", "DblCorrelation"],
    "DataType": [
        "Int8",
        "UInt8",
        "Int16",
        "UInt16",
        "Int32",
        "UInt32",
        "Int64",
        "UInt64",
        "Float32",
        "Float64",
    ],
    "ColorMode": [
        "Mono",
        "Bayer",
        "RGB1",
        "RGB2",
        "RGB3",
        "YUV444",
        "YUV422",
        "YUV421",
    ],
    "BayerPattern": ["RGGB", "GBRG", "GRBG", "BGGR"],
    "Acquire": ["Done", "Acquire"],
    "Capture": ["Done", "Capture"],
    "WriteFile": ["Done", "Write"],
    "ReadFile": ["Done", "Read"],
    "WriteStatus": ["Write OK", "Write error"],
    "FileWriteMode": ["Single", "Capture", "Stream"],
    "EnableCallbacks": ["Disable", "Enable"],
    "ArrayCallbacks": ["Disable", "Enable"],
    "ShutterMode": ["None", "EPICS PV", "Detector output"],
    "ShutterControl": ["Close", "Open"],
    "ShutterStatus": ["Closed", "Open"],
    "ShutterControlEPICS": ["Close", "Open"],
    "ShutterStatusEPICS": ["Closed", "Open"],
    "SimMode": ["LinearRamp", "Peaks", "Sine", "Offset&Noise"],
    "SWMRMode": ["Off", "On"],
    "SWMRActive": ["Inactive", "Active"],
    "SWMRSupported": ["Not Supported", "Supported"],
    "FilePathExists": _YES_NO,
}

LONG_TEXTS = {
    "FilePath",
    "FileName",
    "FileTemplate",
    "FullFileName",
    "TempSuffix",
    "NDAttributesFile",
    "NDAttributesMacros",
    "XMLFileName",
    "XMLErrorMsg",
    "WriteMessage",
    "StatusMessage",
    "StringToServer",
    "StringFromServer",
    "PosNameDimN",
}
TEXTS = {"PortName", "NDArrayPort", "PluginType", "Manufacturer", "Model", "PvName"}
LONGS = {"NDimensions", "NumQueuedArrays", "DataBitsOffset"}
WAVEFORMS = {"Dim0SA", "Dim1SA", "Dim2SA", "ArrayData", "Dimensions"}

DOUBLES = (
    r"Time|Period|Gain|Rate|PoolMax|Temperature|Delay|Speed|Offset|Frequency|Phase"
)
"""Names that mean a floating point number where nothing else says so."""
